/** Modern clients' `subscriptions/listen` streams: each is a peer on the upstream sessions of its endpoint. */
import { subscriptionIdKey } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject, type RequestId, type RpcNotification } from '#core/protocol/json-rpc.ts'
import type { ListKind, Peer } from '#gateway/upstream/peer.ts'

export type ListenWish = {
  kinds: ReadonlySet<ListKind>
  /** By server, the URIs as the client gave them by the URIs as the server knows them. */
  resources: ReadonlyMap<string, ReadonlyMap<string, string>>
}

export class ListenStream implements Peer {
  readonly principalId: string
  /** Questions never travel here. */
  readonly ask = null
  readonly #id: RequestId
  readonly #wish: ListenWish
  readonly #send: (note: RpcNotification) => void

  constructor(options: {
    principalId: string
    id: RequestId
    wish: ListenWish
    send: (note: RpcNotification) => void
  }) {
    this.principalId = options.principalId
    this.#id = options.id
    this.#wish = options.wish
    this.#send = options.send
  }

  say(method: string, params: JsonObject): void {
    const meta = isJsonObject(params['_meta']) ? params['_meta'] : {}
    this.#send({ jsonrpc: '2.0', method, params: { ...params, _meta: { ...meta, [subscriptionIdKey]: this.#id } } })
  }

  watchedResources(server: string): Iterable<string> {
    return this.#wish.resources.get(server)?.keys() ?? []
  }

  listChanged(_server: string, kind: ListKind): void {
    if (this.#wish.kinds.has(kind)) this.say(`notifications/${kind}/list_changed`, {})
  }

  resourceUpdated(server: string, uri: string, note: RpcNotification): void {
    const exposed = this.#wish.resources.get(server)?.get(uri)
    if (exposed !== undefined) this.say(note.method, { ...note.params, uri: exposed })
  }

  /** 2026-07-28: log messages travel on their request's stream only. */
  logged(): void {
    return undefined
  }

  other(): void {
    return undefined
  }
}

/** Who must be told when a server's list changes: sessions and streams alike, by the servers they look at. */
export class ListenHub {
  readonly #peers = new Map<Peer, (server: string) => boolean>()

  /** @param isSeen whether the peer looks at a server, asked anew each time */
  add(peer: Peer, isSeen: (server: string) => boolean): () => void {
    this.#peers.set(peer, isSeen)
    return () => this.#peers.delete(peer)
  }

  get size(): number {
    return this.#peers.size
  }

  listChanged(server: string, kind: ListKind): void {
    for (const [peer, isSeen] of this.#peers) if (isSeen(server)) peer.listChanged(server, kind)
  }
}
