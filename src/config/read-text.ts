/** A configuration file's text, within bounds. */
import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

const documentBytesMax = 1_048_576
const pieceBytes = 16_384

const noSuchFileReason = 'there is no such file'
const reasons: Readonly<Record<string, string>> = {
  ENOENT: noSuchFileReason,
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'lies below something that is not a folder',
}

/** Reads pipes too, so a shell's `<(…)` works. Throws ConfigError: not readable, too large, not UTF-8. */
export function readConfigText(path: string): string {
  const bytes = readAtMost(path, documentBytesMax + 1)
  if (bytes.length > documentBytesMax) throw unusable(path, tooLarge)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unusable(path, 'is not UTF-8 text')
  }
}

/** The same bound for a text that did not come from a file. */
export function checkTextSize(path: string, text: string): void {
  if (Buffer.byteLength(text) > documentBytesMax) throw unusable(path, tooLarge)
}

const tooLarge = `is larger than ${documentBytesMax} bytes`

export function unusable(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: '', message }])
}

/** As `readConfigText` throws it. */
export function noSuchFile(path: string): ConfigError {
  return unusable(path, noSuchFileReason)
}

function readAtMost(path: string, bytesMax: number): Buffer {
  // Most files fit into one piece: the bound is for the others, and is not set aside for all.
  const piece = Buffer.alloc(pieceBytes)
  const pieces: Buffer[] = []
  let size = 0
  try {
    const descriptor = openSync(path, 'r')
    try {
      for (let read = -1; read !== 0 && size < bytesMax; size += read) {
        read = readSync(descriptor, piece, 0, Math.min(pieceBytes, bytesMax - size), null)
        pieces.push(Buffer.from(piece.subarray(0, read)))
      }
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw unusable(path, reasons[codeOf(error)] ?? 'cannot be read')
  }
  return Buffer.concat(pieces, size)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
