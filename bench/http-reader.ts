/**
 * A small HTTP/1.1 message reader on raw bytes. The upstream and the load generator share one core, and `node:http`
 * on both would cost more than what they measure. It trusts its peer: for the bench only.
 */

export type HttpReader = { push(chunk: Buffer): void }
type OnMessage = (head: string, body: Buffer) => void

const empty = Buffer.alloc(0)
const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

/** Calls `onMessage` with each whole message: its start line and headers as text, its body without transfer coding. */
export function createHttpReader(onMessage: OnMessage): HttpReader {
  let rest: Buffer = empty
  let head = ''
  let missingBytes = 0
  let isChunked = false
  let parts: Buffer[] = []

  const finish = (): boolean => {
    const [first = empty] = parts
    const body = parts.length > 1 ? Buffer.concat(parts) : first
    const finished = head
    head = ''
    parts = []
    onMessage(finished, body)
    return rest.length > 0
  }

  const readHead = (): boolean => {
    const end = rest.indexOf(headEnd)
    if (end < 0) return false
    head = rest.toString('latin1', 0, end)
    rest = rest.subarray(end + headEnd.length)
    isChunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    missingBytes = isChunked ? 0 : Number(headerOf(head, 'content-length') ?? '0')
    return isChunked || missingBytes > 0 ? rest.length > 0 : finish()
  }

  const readSized = (): boolean => {
    const part = rest.length > missingBytes ? rest.subarray(0, missingBytes) : rest
    parts.push(part)
    rest = rest.subarray(part.length)
    missingBytes -= part.length
    return missingBytes === 0 && finish()
  }

  /** One whole chunk a step; a chunk that has not arrived whole waits in `rest`. */
  const readChunk = (): boolean => {
    const end = rest.indexOf(lineEnd)
    if (end < 0) return false
    const sizeBytes = Number.parseInt(rest.toString('latin1', 0, end), 16)
    const next = end + sizeBytes + 2 * lineEnd.length
    if (rest.length < next) return false
    if (sizeBytes > 0) parts.push(rest.subarray(end + lineEnd.length, next - lineEnd.length))
    rest = rest.subarray(next)
    return sizeBytes > 0 ? rest.length > 0 : finish()
  }

  const step = (): boolean => {
    if (head === '') return readHead()
    return isChunked ? readChunk() : readSized()
  }

  return {
    push(chunk) {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      while (step());
    },
  }
}

/** The value of a header in a head as `createHttpReader` gives it, or `undefined`. `name` is lower case. */
export function headerOf(head: string, name: string): string | undefined {
  const lower = head.toLowerCase()
  const start = lower.indexOf(`\r\n${name}:`)
  if (start < 0) return undefined
  const from = start + name.length + 3
  const end = lower.indexOf('\r\n', from)
  return head.slice(from, end < 0 ? undefined : end).trim()
}
