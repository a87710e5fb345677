import type { Writable } from 'node:stream'

export type LineWriter = {
  /** False when more than `pendingBytesMax` already wait for a reader that does not read. */
  add(text: string): boolean
  /** Writes what waits and ends the stream. */
  end(): void
}

/** Writes one line a message; what is added within one turn of the event loop leaves in one write. */
export function createLineWriter(stream: Writable, options: { pendingBytesMax: number }): LineWriter {
  let lines = ''
  let lineBytes = 0

  function flush(): void {
    if (lines === '') return
    // A buffer, not a string, so that the stream's `writableLength` counts bytes.
    const bytes = Buffer.from(lines)
    lines = ''
    lineBytes = 0
    if (stream.writable) stream.write(bytes)
  }

  return {
    add(text) {
      if (lineBytes + stream.writableLength > options.pendingBytesMax) return false
      // After the poll phase: then requests that arrived on different sockets in one turn share the write.
      if (lines === '') setImmediate(flush)
      const line = toOneLine(text)
      lines += line + '\n'
      lineBytes += Buffer.byteLength(line) + 1
      return true
    },

    end() {
      flush()
      if (stream.writable) stream.end()
    },
  }
}

/**
 * A raw line break can stand in JSON only between tokens, where a space means the same; on this wire it would end the
 * message and start another one. A lone carriage return counts: readers with universal newlines split there.
 */
function toOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text
}
