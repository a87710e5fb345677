import { once } from 'node:events'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'

import { createLineWriter } from './line-writer.ts'

/** A stream that keeps what it is given, and takes more only when `proceed` is called. */
function createSlowStream() {
  const written: string[] = []
  let proceed = (): void => {}
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      written.push(chunk.toString())
      proceed = callback
    },
  })
  return { stream, written, proceed: () => proceed() }
}

describe('createLineWriter', () => {
  it('joins what is added in one turn of the event loop into one write', async () => {
    const { stream, written } = createSlowStream()
    const writer = createLineWriter(stream, { pendingBytesMax: 1000 })
    writer.add('{"id":1}')
    await Promise.resolve()
    writer.add('{"id":2}')
    await new Promise((resolve) => void setImmediate(resolve))
    expect(written).toEqual(['{"id":1}\n{"id":2}\n'])
  })

  it('writes a message with line breaks as one line', () => {
    const { stream, written } = createSlowStream()
    const writer = createLineWriter(stream, { pendingBytesMax: 1000 })
    writer.add('{\r\n  "a": 1,\r"b": 2\n}')
    writer.end()
    expect(written.map((line) => JSON.parse(line))).toEqual([{ a: 1, b: 2 }])
    expect(written).toEqual(['{   "a": 1, "b": 2 }\n'])
  })

  it('refuses when too many bytes wait, and accepts again when they have left', async () => {
    const { stream, proceed } = createSlowStream()
    const writer = createLineWriter(stream, { pendingBytesMax: 10 })
    expect(writer.add('äääää')).toBe(true)
    expect(writer.add('x')).toBe(false)
    await new Promise((resolve) => void setImmediate(resolve))
    expect(writer.add('x')).toBe(false)
    proceed()
    expect(writer.add('x')).toBe(true)
  })

  it('writes what waits before it ends the stream', async () => {
    const { stream, written, proceed } = createSlowStream()
    const writer = createLineWriter(stream, { pendingBytesMax: 1000 })
    writer.add('{}')
    writer.end()
    proceed()
    await once(stream, 'finish')
    expect(written).toEqual(['{}\n'])
  })
})
