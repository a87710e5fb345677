/**
 * Secrets that are planted in tests, and the one who looks for them in everything that leaves a gateway. `planted/watch.ts`
 * brings him the bytes of a test file's whole process; `planted/setup.ts` lets the test fail in which one was found.
 */
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

/** Ways for bytes to leave. */
export const seams = [
  /** What any client in the test's process reads from any connection, but from an upstream that a test plays. */
  'connections',
  /** What Toolgate writes to stdout and stderr as a process. */
  'output',
  /** Arguments and environment with which a process is started, by a test or by a gateway. */
  'starts',
  /** The same of what runs below a gateway that is a process, as the system shows it. */
  'processes',
  /** Databases of a gateway, their write-ahead logs, and whatever else it keeps. */
  'files',
  /** Values that are written to a SQLite in the test's process. */
  'values',
  /** Rows of a PostgreSQL. */
  'rows',
  /** Events in memory. */
  'audit',
  /** Failures as they are given to be logged, with stack and cause. */
  'troubles',
] as const
export type Seam = (typeof seams)[number]

export type Plant = {
  /** Whose process may have it in its environment. */
  childOf: string | null
  forms: readonly Buffer[]
}
type Find = { seam: Seam; text: string; where: string }

const plants = new Map<string, Plant>()
const finds: Find[] = []
const bytesBySeam = new Map<Seam, number>(seams.map((seam) => [seam, 0]))
/** Of the longest form: so much of one chunk may belong to what is found in the next. */
let formBytesMax = 0

/**
 * A secret of its own each time: `planted-{label}-{random}`, fit for a header, a URL and a configuration.
 * @param childOf name of the server to whose process it is given in its environment, and to no other
 */
export function plant(label: string, { childOf = null }: { childOf?: string | null } = {}): string {
  const text = `planted-${label}-${randomBytes(12).toString('hex')}`
  lookFor(text, { childOf })
  return text
}

/** For a secret that a test has not made itself, such as a token that was issued to the gateway. It must be like no other text. */
export function lookFor(text: string, { childOf = null }: { childOf?: string | null } = {}): void {
  if (plants.has(text)) return
  const forms = formsOf(text)
  plants.set(text, { childOf, forms })
  formBytesMax = Math.max(formBytesMax, ...forms.map(({ length }) => length))
}

/** As it is, and as it could be spelt. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const hex = bytes.toString('hex')
  const percent = hex.replaceAll(/../g, '%$&')
  // Within another text, base64 begins at any of three places; what is shared with its neighbours is left out.
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return encoded.slice(before === 0 ? 0 : before + 1, encoded.length - 1)
  })
  const texts = [text, hex, hex.toUpperCase(), percent, percent.toUpperCase(), ...base64]
  return [...new Set(texts.flatMap((form) => [form, toUrlForm(form)]))].map((form) => Buffer.from(form))
}

const toUrlForm = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_')

export const arePlanted = (): boolean => plants.size > 0
export const tailBytesMax = (): number => Math.max(0, formBytesMax - 1)

/** The planted secrets that these bytes have. */
export function plantsIn(bytes: Uint8Array | string): { text: string; plant: Plant }[] {
  if (plants.size === 0) return []
  const buffer = toBuffer(bytes)
  return [...plants]
    .filter(([, { forms }]) => forms.some((form) => buffer.includes(form)))
    .map(([text, plant]) => ({ text, plant }))
}

/** @param where for whoever reads of a find */
export function look(seam: Seam, bytes: Uint8Array | string, where: () => string = () => ''): void {
  count(seam, bytes.length)
  for (const { text } of plantsIn(bytes)) tellFind({ seam, text, where: where() })
}

export function count(seam: Seam, bytes: number): void {
  bytesBySeam.set(seam, (bytesBySeam.get(seam) ?? 0) + bytes)
}

export function tellFind(find: Find): void {
  finds.push(find)
}

/** Whatever a line of a log could hold of it. */
export function lookAtTrouble(error: unknown, ...told: string[]): void {
  const texts: string[] = told
  for (let one = error, depth = 0; one !== undefined && one !== null && depth < 8; depth++) {
    texts.push(inspect(one, { depth: 20, showHidden: true }))
    if (!(one instanceof Error)) break
    texts.push(String(one.stack), JSON.stringify(one))
    one = one.cause
  }
  look('troubles', texts.join('\n'))
}

/** What was found since the last time. */
export function takeFinds(): Find[] {
  return finds.splice(0)
}

export function bytesSeen(): Record<Seam, number> {
  return Object.fromEntries(bytesBySeam) as Record<Seam, number>
}

function toBuffer(bytes: Uint8Array | string): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
