/** HTTP by hand: single exchanges, streams of events, and bytes that no HTTP library would send. */
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'

/** Whatever came: a test says itself what it expects of it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a wrong shape fails the test that reads it.
export type Json = Record<string, any>

export type RawAnswer = { status: number; headers: IncomingHttpHeaders; text: string }

export type RawRequest = { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer }

/** One exchange on a connection of its own. */
export async function exchange(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const res = await open(url, options)
  return { status: res.statusCode ?? 0, headers: res.headers, text: await readAll(res) }
}

/** Resolves with the head of the answer; the body is the caller's to read or to drop. */
export function open(url: string, { method = 'GET', headers = {}, body }: RawRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const req = request(url, { method, headers: { ...length, ...headers }, agent: false }, resolve)
    req.on('error', reject)
    req.end(body)
  })
}

export async function readAll(res: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export type RawEvent = { event: string; id: string; data: string }

export interface RawEvents {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly all: readonly RawEvent[]
  /** Everything as it came. */
  text(): string
  /** The first event, past or to come, that fits; rejects when the stream ends without one. */
  find(fits: (event: RawEvent) => boolean): Promise<RawEvent>
  /** The first JSON-RPC message that fits. */
  message(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  readonly ended: Promise<void>
  close(): void
}

export async function openEvents(url: string, options: RawRequest = {}): Promise<RawEvents> {
  return followEvents(await open(url, options))
}

export function followEvents(res: IncomingMessage): RawEvents {
  const all: RawEvent[] = []
  const waiting = new Set<() => void>()
  let text = ''
  let rest = ''
  let isOver = false
  const wake = (): void => {
    for (const task of waiting) task()
  }
  res.setEncoding('utf8')
  res.on('data', (chunk: string) => {
    text += chunk
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) all.push(parseEvent(part))
    wake()
  })
  const ended = new Promise<void>((resolve) => {
    res.once('close', () => {
      isOver = true
      resolve()
      wake()
    })
    res.on('error', () => undefined)
  })
  const find: RawEvents['find'] = (fits) =>
    new Promise((resolve, reject) => {
      let seen = 0
      const look = (): void => {
        let found: RawEvent | undefined
        while (!found && seen < all.length) {
          const event = all[seen++]
          if (event && fits(event)) found = event
        }
        if (!found && !isOver) return
        waiting.delete(look)
        if (found) resolve(found)
        else reject(new Error(`the stream ended without it: ${text.slice(0, 2000)}`))
      }
      waiting.add(look)
      look()
    })
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    all,
    text: () => text,
    find,
    async message(fits) {
      const event = await find(({ data }) => data.startsWith('{') && fits(parseJson(data)))
      return parseJson(event.data)
    },
    ended,
    close: () => void res.destroy(),
  }
}

function parseEvent(part: string): RawEvent {
  const event: RawEvent = { event: 'message', id: '', data: '' }
  const data: string[] = []
  for (const line of part.split('\n')) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const value = line.slice(at + 1).replace(/^ /, '')
    if (line.startsWith('data:')) data.push(value)
    if (line.startsWith('event:')) event.event = value
    if (line.startsWith('id:')) event.id = value
  }
  return { ...event, data: data.join('\n') }
}

export function parseJson(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

export interface RawSocket {
  readonly socket: Socket
  write(bytes: string | Buffer): void
  /** What has come so far. */
  text(): string
  /** Resolves with everything that came when it fits, or when the connection is closed. */
  until(fits: (text: string) => boolean): Promise<string>
  readonly closed: Promise<string>
  /** Resolves when the server holds the connection no more, though this side never closes its half. */
  letGo(): Promise<void>
}

/** A connection that says exactly what it is told to. */
export function openSocket(port: number, first: string | Buffer = ''): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(toRawSocket(socket, first)))
    socket.once('error', reject)
  })
}

function toRawSocket(socket: Socket, first: string | Buffer): RawSocket {
  let text = ''
  let isOver = false
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const task of waiting) task()
  }
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    wake()
  })
  const over = (): void => {
    isOver = true
    wake()
  }
  socket.once('end', over)
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      over()
      resolve(text)
    })
  })
  if (first !== '') socket.write(first)
  return {
    async letGo() {
      // A server that has only said its last word still takes bytes; one that has let go answers them with a reset.
      const timer = setInterval(() => isOver && socket.write('\r\n'), 10)
      await closed
      clearInterval(timer)
    },
    socket,
    write: (bytes) => void socket.write(bytes),
    text: () => text,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!fits(text) && !isOver) return
          waiting.delete(look)
          resolve(text)
        }
        waiting.add(look)
        look()
      }),
    closed,
  }
}

/** Sends bytes, half-closes nothing, and gives what came until the server closed or `isEnough`. */
export async function say(
  port: number,
  bytes: string | Buffer,
  isEnough: (text: string) => boolean = isWholeAnswer,
): Promise<string> {
  const raw = await openSocket(port, bytes)
  const text = await raw.until(isEnough)
  raw.socket.destroy()
  return text
}

/** One answer with a Content-Length has come. */
export function isWholeAnswer(text: string): boolean {
  const at = text.indexOf('\r\n\r\n')
  if (at === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, at))?.[1]
  return length !== undefined && text.length >= at + 4 + Number(length)
}

export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)

/** The JSON body of an answer as text. */
export const bodyOf = (text: string): Json => parseJson(text.slice(text.indexOf('\r\n\r\n') + 4))
