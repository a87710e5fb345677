import type { Writable } from 'node:stream'
import type { ClientOutput } from './bridge-ports.ts'

/** Standard output as the client reads it. A client that is gone is noticed by the owner of the stream. */
export function createClientOutput(stream: Writable): ClientOutput {
  return {
    get isFull() {
      return stream.writableNeedDrain
    },
    write(text) {
      if (stream.writable) stream.write(`${toOneLine(text)}\n`)
    },
    onDrain(task) {
      stream.once('drain', task)
    },
  }
}

/** A raw line break can stand in JSON only between tokens, where a space means the same. */
function toOneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text
}
