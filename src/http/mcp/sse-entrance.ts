/** The HTTP+SSE transport (2024-11-05): a stream that first says where to POST, and answers that come on the stream. */
import { GatewayError } from '#contract/errors.ts'
import { keepAliveComment, messageEvent } from '#core/protocol/sse.ts'
import { readBody } from '#http/read-body.ts'
import { refuse } from '#http/refuse.ts'
import { isSameAddress, type Address } from '#gateway/endpoint.ts'
import { ChannelClient } from './channel-client.ts'
import type { ChannelCounts } from './channel-counts.ts'
import type { PostContext, PostDeps } from './post-context.ts'
import { writeBounded } from './stream.ts'

type Connection = { client: ChannelClient; tokenId: string; address: Address }

export class SseEntrance {
  readonly #deps: PostDeps
  readonly #channels: ChannelCounts
  readonly #connections = new Map<string, Connection>()

  constructor(deps: PostDeps, channels: ChannelCounts) {
    this.#deps = deps
    this.#channels = channels
  }

  get size(): number {
    return this.#connections.size
  }

  /**
   * @param path of the request
   * @throws GatewayError `too_many_sessions`
   */
  open(context: PostContext, path: string): void {
    const { req, res, principal, endpoint, address } = context
    this.#deps.gateway.sessions.checkRoom(principal)
    const uncount = this.#channels.add(principal)
    const id = this.#deps.randomId('sse')
    const client = new ChannelClient({
      principal,
      endpoint,
      address,
      deps: this.#deps,
      authorization: req.headers.authorization,
      send: (text) => writeBounded(res, messageEvent(text)),
      close: () => void res.end(),
    })
    this.#connections.set(id, { client, tokenId: principal.tokenId, address })
    const keep = { startedAt: 0, keepAlive: () => void res.write(keepAliveComment) }
    const forget = this.#deps.replies.add(keep)
    res.once('close', () => {
      this.#connections.delete(id)
      uncount()
      forget()
      client.end()
    })
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
    res.write(`event: endpoint\ndata: ${path.replace(/\/sse\/?$/, '/messages')}?sessionId=${id}\n\n`)
  }

  /** @throws GatewayError `session_not_found`, the same for unknown and foreign ids */
  post(context: PostContext, query: URLSearchParams): void {
    const { req, res, principal, address } = context
    const connection = this.#connections.get(query.get('sessionId') ?? '')
    if (!connection || connection.tokenId !== principal.tokenId || !isSameAddress(connection.address, address)) {
      throw new GatewayError('session_not_found')
    }
    const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
    if (type !== 'application/json') throw new GatewayError('unsupported_media_type')
    readBody(req, this.#deps, (body) => {
      if (body instanceof GatewayError) return refuse(context, body)
      res.writeHead(202).end('Accepted')
      connection.client.receive(body)
    })
  }
}
