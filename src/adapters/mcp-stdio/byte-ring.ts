/** The last bytes of a stream, in a fixed amount of memory however small or many the pieces are. */
export type ByteRing = {
  write(bytes: Uint8Array): void
  /** What is held, oldest first, as text. After an overflow it starts at the first whole line (or word). */
  readText(): string
}

export function createByteRing(bytesMax: number): ByteRing {
  /** Most children write nothing, so nothing is allocated before the first byte. */
  let ring: Buffer | null = null
  let next = 0
  let filledBytes = 0
  let hasLost = false

  return {
    write(bytes) {
      if (bytes.length === 0 || bytesMax === 0) return
      ring ??= Buffer.alloc(bytesMax)
      const kept = bytes.length > bytesMax ? bytes.subarray(bytes.length - bytesMax) : bytes
      const room = bytesMax - next
      ring.set(kept.subarray(0, room), next)
      if (kept.length > room) ring.set(kept.subarray(room), 0)
      hasLost ||= filledBytes + bytes.length > bytesMax
      filledBytes = Math.min(bytesMax, filledBytes + kept.length)
      next = (next + kept.length) % bytesMax
    },

    readText() {
      if (ring === null) return ''
      if (!hasLost) return ring.toString('utf8', 0, filledBytes)
      return fromFirstBoundary(Buffer.concat([ring.subarray(next), ring.subarray(0, next)]).toString('utf8'))
    },
  }
}

/** The oldest line has lost its beginning: half a line misleads, and half a secret cannot be recognised. */
function fromFirstBoundary(text: string): string {
  const line = text.search(/[\r\n]/)
  const boundary = line === -1 ? text.search(/\s/) : line
  return boundary === -1 ? '' : text.slice(boundary + 1)
}
