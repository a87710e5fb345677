/** Modern clients' `subscriptions/listen` streams: each is a peer on the upstream sessions of its endpoint. */
import { holderOf } from '#core/credential/holder.ts'
import { subscriptionIdKey } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject, type RequestId, type RpcNotification } from '#core/protocol/json-rpc.ts'
import { isTaskStatus, taskNamedIn } from '#core/protocol/tasks.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import type { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import { toSessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Viewer } from './viewer.ts'
import { mayWatch } from './watched-resources.ts'

export type ListenWish = {
  kinds: ReadonlySet<ListKind>
  /** By server, the URIs as the client gave them by the URIs as the server knows them. */
  resources: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** In the same way, the ids of tasks. */
  tasks: ReadonlyMap<string, ReadonlyMap<string, string>>
}

type OwnedServer = { upstream: Upstream; ownerId: string }

export type ListenStreamOptions = {
  principal: Principal
  address: Address
  endpoint: Endpoint
  id: RequestId
  wish: ListenWish
  taskOwners: TaskOwners
  /** The client's capabilities choose the upstream sessions that it shares. */
  capabilities: JsonObject
  send: (note: RpcNotification) => void
  onEnd: () => void
}

export class ListenStream implements Viewer {
  principal: Principal
  readonly address: Address
  endpoint: Endpoint
  /** Questions never travel here. */
  readonly ask = null
  readonly #options: ListenStreamOptions
  readonly #places = new Set<PooledSession>()
  #hasEnded = false

  constructor(options: ListenStreamOptions) {
    this.#options = options
    this.principal = options.principal
    this.address = options.address
    this.endpoint = options.endpoint
  }

  get principalId(): string {
    return this.principal.id
  }

  get isListening(): boolean {
    return this.#options.wish.kinds.size > 0
  }

  join(place: PooledSession): void {
    if (this.#hasEnded || this.#places.has(place)) return
    this.#places.add(place)
    place.attach(this)
  }

  refreshPlaces(): void {
    const upstreams = this.endpoint.upstreams.filter(({ name }) => this.principal.access.mayReach(name))
    for (const place of this.#places) {
      if (upstreams.some((upstream) => upstream.owns(place))) continue
      place.detach(this)
      this.#places.delete(place)
    }
    for (const place of this.#places) place.refreshListening()
    for (const upstream of upstreams) void this.#open(upstream)
  }

  /** Only a server that is connected says that something has changed. */
  async #open(upstream: Upstream): Promise<void> {
    try {
      const { capabilities } = this.#options
      const user = toSessionUser(this.principal, { sessionId: null, capabilities })
      const { place } = await openTwice(() => upstream.place(user))
      this.join(place)
    } catch {
      // It fails, and so has nothing to say.
    }
  }

  retire(): void {
    this.end()
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const place of this.#places) place.detach(this)
    this.#options.onEnd()
  }

  say(method: string, params: JsonObject): void {
    const meta = isJsonObject(params['_meta']) ? params['_meta'] : {}
    this.#options.send({
      jsonrpc: '2.0',
      method,
      params: { ...params, _meta: { ...meta, [subscriptionIdKey]: this.#options.id } },
    })
  }

  watchedResources(server: string): Iterable<string> {
    const watched = this.#options.wish.resources.get(server)
    return watched && mayWatch(this.principal, server) ? watched.keys() : []
  }

  listChanged(_server: string, kind: ListKind): void {
    if (this.#options.wish.kinds.has(kind)) this.say(`notifications/${kind}/list_changed`, {})
  }

  resourceUpdated(server: string, uri: string, note: RpcNotification): void {
    const exposed = this.#options.wish.resources.get(server)?.get(uri)
    if (exposed !== undefined && mayWatch(this.principal, server))
      this.say(note.method, { ...note.params, uri: exposed })
  }

  /** 2026-07-28: log messages travel on their request's stream only. */
  logged(): void {
    return undefined
  }

  followedTasks(server: string): string[] {
    const tasks = [...(this.#options.wish.tasks.get(server)?.keys() ?? [])]
    return tasks.filter((taskId) => this.concernsTask(server, taskId))
  }

  concernsTask(server: string, taskId: string): boolean {
    const { wish, taskOwners } = this.#options
    const isFollowed = wish.tasks.get(server)?.has(taskId) === true
    return isFollowed && taskOwners.find(this.principal, { server, taskId }) !== null
  }

  /** Of what a server says otherwise, the states of tasks alone travel here. */
  other(server: string, note: RpcNotification): void {
    const taskId = isTaskStatus(note) ? (taskNamedIn(note) ?? '') : ''
    const exposed = this.#options.wish.tasks.get(server)?.get(taskId)
    if (exposed !== undefined && this.concernsTask(server, taskId))
      this.say(note.method, { ...note.params, taskId: exposed })
  }
}

/** Who must be told when a server's list changes: sessions and streams alike, by the servers they look at. */
export class ListenHub {
  readonly #viewers = new Set<Viewer>()

  add(viewer: Viewer): () => void {
    this.#viewers.add(viewer)
    return () => this.#viewers.delete(viewer)
  }

  get size(): number {
    return this.#viewers.size
  }

  *[Symbol.iterator](): Iterator<Viewer> {
    yield* this.#viewers
  }

  /** What an owner of a credential sees of a server is something else now. */
  ownedChanged(owned: OwnedServer): void {
    for (const viewer of viewersThrough(this.#viewers, owned))
      for (const kind of ['tools', 'prompts', 'resources'] as const) viewer.listChanged(owned.upstream.name, kind)
  }

  listChanged(server: string, kind: ListKind): void {
    for (const viewer of this.#viewers) if (seesServer(viewer, server)) viewer.listChanged(server, kind)
  }
}

/** Whoever sees a server through the credential of one owner; without an owner, everybody. */
function* viewersThrough(viewers: Iterable<Viewer>, { upstream, ownerId }: OwnedServer): Iterable<Viewer> {
  for (const viewer of viewers) {
    const holder = holderOf(viewer.principal)
    const isOwners = ownerId === '' || upstream.ownerOf({ holder }).split(' ').includes(ownerId)
    if (isOwners && seesServer(viewer, upstream.name)) yield viewer
  }
}

function seesServer({ endpoint, principal }: Viewer, server: string): boolean {
  return endpoint.upstreams.some(({ name }) => name === server) && principal.access.mayReach(server)
}
