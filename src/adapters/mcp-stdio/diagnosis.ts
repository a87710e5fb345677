/** What a child said besides messages: its standard error and the stray lines of its standard output. */
import { createByteRing } from './byte-ring.ts'

/** One chatty line must not push all others out. */
const strayLineCharsMax = 1024

/** Shorter values are words like `true` or `prod`, and hiding them would make the text unreadable. */
const secretCharsMin = 8

export type Diagnosis = {
  /** Bytes of standard error. */
  write(bytes: Uint8Array): void
  /** A line of standard output that is no JSON. */
  writeStrayLine(line: string): void
  readText(): string
}

/**
 * Holds the last `bytesMax` bytes. The values of `env` are credentials as a rule, and children print their
 * configuration when they fail, so those values are never part of the text.
 */
export function createDiagnosis(options: { bytesMax: number; env: Readonly<Record<string, string>> }): Diagnosis {
  const ring = createByteRing(options.bytesMax)
  const secrets = Object.values(options.env)
    .flatMap((value) => [value, ...value.split(/[\r\n]+/)])
    .filter((value) => value.length >= secretCharsMin)
    .toSorted((a, b) => b.length - a.length)

  const hideSecrets = (text: string): string =>
    secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text)

  return {
    write: (bytes) => ring.write(bytes),
    // Hidden before it is cut: half a secret would not be recognised later.
    writeStrayLine: (line) => ring.write(Buffer.from(`[stdout] ${hideSecrets(line).slice(0, strayLineCharsMax)}\n`)),
    readText: () => hideSecrets(ring.readText()),
  }
}
