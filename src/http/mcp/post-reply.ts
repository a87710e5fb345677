/** The answer to one POST: JSON, unless something has to be said before the answer; then an event stream. */
import type { ServerResponse } from 'node:http'
import type { GatewayError } from '#contract/errors.ts'
import { toResponse, type RequestId, type RpcMessage, type RpcNotification } from '#core/protocol/json-rpc.ts'
import { keepAliveComment, messageEvent } from '#core/protocol/sse.ts'
import type { Era } from '#core/protocol/revisions.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import { preparedHead, preparedTail, responseText } from '#gateway/upstream/answer.ts'
import type { Answer, ByteSink } from '#gateway/upstream/upstream-session.ts'
import { keepAliveHeader } from '#http/client-sockets.ts'
import { statusOfAnswer, toRpcFailure } from '#http/errors.ts'
import type { CallReply } from './call-reply.ts'
import type { EventStream, EventStreams } from './event-streams.ts'
import { writeBounded } from './stream.ts'

export type PostReplyOptions = {
  res: ServerResponse
  era: Era
  id: RequestId
  session: ClientSession | null
  /** Resumable streams of the session; null for modern clients and for revisions without them. */
  streams: EventStreams | null
  requestId: string
}

const streamHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' }

export class PostReply implements CallReply, ByteSink {
  readonly startedAt: number
  readonly #options: PostReplyOptions
  #stream: EventStream | null = null
  #isStreaming = false
  #isPassing = false

  constructor(options: PostReplyOptions, startedAt: number) {
    this.#options = options
    this.startedAt = startedAt
  }

  get ask(): CallReply['ask'] {
    const { session } = this.#options
    if (!session) return null
    return (question, cancellation) => session.askThrough((message) => this.#send(message), question, cancellation)
  }

  get isResumable(): boolean {
    return this.#stream !== null
  }

  notify(note: RpcNotification): void {
    this.#send(note)
  }

  #send(message: RpcMessage): void {
    this.#open()
    this.#writeEvent(JSON.stringify(message))
  }

  #open(): void {
    if (this.#isStreaming) return
    this.#isStreaming = true
    const { res, streams } = this.#options
    if (res.destroyed) return
    res.writeHead(200, streamHeaders)
    if (!streams) return
    this.#stream = streams.open()
    res.write(this.#stream.priming())
  }

  #writeEvent(json: string): void {
    const { res } = this.#options
    writeBounded(res, this.#stream ? this.#stream.event(json) : messageEvent(json))
  }

  /** Nothing has been said for long: says that the connection is alive, so that nobody between closes it. */
  keepAlive(): void {
    if (this.#isPassing) return
    this.#open()
    if (!this.#options.res.destroyed) this.#options.res.write(keepAliveComment)
  }

  waiting(): void {
    this.keepAlive()
  }

  finish(answer: Answer): void {
    if ('streamed' in answer) return
    const { res, id, era } = this.#options
    if (this.#isStreaming) return this.#finishStream(responseText(id, answer) ?? '')
    if ('prepared' in answer) return this.#finishPrepared(answer.prepared)
    const body = 'raw' in answer ? answer.raw : JSON.stringify(toResponse(id, answer))
    const encoding = 'raw' in answer ? answer.encoding : 'utf8'
    const status = 'error' in answer ? statusOfAnswer(era, answer.error.code) : 200
    const length = encoding === 'latin1' ? body.length : Buffer.byteLength(body)
    res.writeHead(status, ['content-type', 'application/json', 'content-length', String(length), ...keepAliveHeader])
    res.end(body, encoding)
  }

  #finishPrepared(result: Buffer): void {
    const { res, id } = this.#options
    const head = preparedHead(id)
    const length = Buffer.byteLength(head) + result.length + preparedTail.length
    res.writeHead(200, ['content-type', 'application/json', 'content-length', String(length), ...keepAliveHeader])
    res.cork()
    res.write(head)
    res.write(result)
    res.end(preparedTail)
    res.uncork()
  }

  #finishStream(json: string): void {
    this.#writeEvent(json)
    this.#stream?.end()
    this.#options.res.end()
  }

  fail(error: GatewayError): void {
    const { res, id, era, requestId } = this.#options
    if (this.#isPassing) {
      res.destroy()
      return
    }
    const body = JSON.stringify(toRpcFailure(id, error, requestId))
    if (this.#isStreaming) return this.#finishStream(body)
    if (res.destroyed) return
    res.writeHead(statusOfAnswer(era, error.rpcCode), {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    res.end(body)
  }

  get canStart(): boolean {
    return !this.#isStreaming
  }

  start(contentType: string): void {
    this.#isPassing = true
    this.#options.res.writeHead(200, { 'content-type': contentType })
  }

  write(bytes: Uint8Array | string): boolean {
    return this.#options.res.write(bytes)
  }

  onDrain(resume: () => void): void {
    this.#options.res.once('drain', resume)
  }

  end(): void {
    this.#options.res.end()
  }

  destroy(): void {
    if (this.#isPassing) this.#options.res.destroy()
  }
}
