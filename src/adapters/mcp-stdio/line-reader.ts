/**
 * Cuts a byte stream into lines. It splits bytes, not text: in UTF-8 the byte 0x0A is always a line feed, so a
 * character that is spread over two chunks needs no care.
 */
export type LineReader = {
  push(chunk: Buffer): void
  /** The stream has ended: what is left is a line too. */
  end(): void
}

export type LineReaderOptions = {
  lineBytesMax: number
  /** One line without its line feed (a carriage return may remain). Empty lines are not told. */
  onLine(line: string): void
  /** A line is longer than `lineBytesMax`. Called once; nothing is told after it. */
  onOverflow(): void
}

const lineFeed = 0x0a
const nothing = Buffer.alloc(0)

export function createLineReader(options: LineReaderOptions): LineReader {
  /** The start of a line whose end has not arrived. It grows by doubling, so tiny chunks cost neither time nor memory. */
  let held = nothing
  let heldBytes = 0
  let isOver = false

  function overflow(): void {
    isOver = true
    held = nothing
    heldBytes = 0
    options.onOverflow()
  }

  function tell(line: string): void {
    if (line !== '' && line !== '\r') options.onLine(line)
  }

  function hold(bytes: Buffer): void {
    const needed = heldBytes + bytes.length
    if (needed > options.lineBytesMax) return overflow()
    if (needed > held.length) {
      const grown = Buffer.allocUnsafe(Math.min(options.lineBytesMax, Math.max(needed, 2 * held.length)))
      held.copy(grown, 0, 0, heldBytes)
      held = grown
    }
    bytes.copy(held, heldBytes)
    heldBytes = needed
  }

  function tellHeld(): void {
    const line = held.toString('utf8', 0, heldBytes)
    held = nothing
    heldBytes = 0
    tell(line)
  }

  /** Many short lines are decoded in one go, which is what a busy child sends. */
  function tellWholeLines(bytes: Buffer): void {
    const canOverflow = bytes.length > options.lineBytesMax
    for (const line of bytes.toString('utf8').split('\n')) {
      if (canOverflow && Buffer.byteLength(line) > options.lineBytesMax) return overflow()
      tell(line)
    }
  }

  return {
    push(chunk) {
      if (isOver) return
      let start = 0
      if (heldBytes > 0) {
        const end = chunk.indexOf(lineFeed)
        hold(end === -1 ? chunk : chunk.subarray(0, end))
        if (end === -1 || isOver) return
        tellHeld()
        start = end + 1
      }
      const last = chunk.lastIndexOf(lineFeed)
      if (last >= start) tellWholeLines(chunk.subarray(start, last))
      const rest = chunk.subarray(Math.max(start, last + 1))
      if (rest.length > 0 && !isOver) hold(rest)
    },

    end() {
      if (!isOver && heldBytes > 0) tellHeld()
    },
  }
}
