/**
 * What each upstream offers, per server and credential: fetched once, believed until the upstream says `list_changed`, its `ttlMs` has
 * passed, or the server's own time limit has.
 */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import { createRateBudget, type RateBudget } from '#core/audit/rate-budget.ts'
import type { Clock } from '#core/clock.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { readParamHeaders, type ParamHeader } from '#core/protocol/mcp-headers.ts'
import type { Era } from '#core/protocol/revisions.ts'
import { takesTasks } from '#core/protocol/tasks.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { isConnectable } from '#gateway/methods/ask-to-connect.ts'
import { tryTwice } from '#gateway/upstream/second-chance.ts'
import type { UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { fetchList, type FetchedList, type ListName } from './list-fetch.ts'

export type CatalogItem = {
  /** The upstream's own name, or URI. */
  key: string
  item: JsonObject
  /** Tools only: which arguments are mirrored in headers. */
  paramHeaders: readonly ParamHeader[]
}

export type CatalogList = {
  items: CatalogItem[]
  byKey: ReadonlyMap<string, CatalogItem>
  era: Era
  /** Whether the server's tools can be called as tasks (2025-11-25). */
  takesTasks: boolean
  extra: JsonObject
  /** Unix time in milliseconds. */
  freshUntil: number
}

type Entry = {
  list: CatalogList | undefined
  loading: Promise<CatalogList> | undefined
  /** Unix time in milliseconds. */
  loadingSince: number
  failure: { error: GatewayError; until: number } | undefined
  /** For how often calls have it fetched again. */
  renewals: RateBudget
}

/** A list that says "do not cache me" is still believed this long: a call must not cost a list. */
const ttlMsMin = 5_000
/** How long a failed listing is not tried again. */
const failureMs = 2_000

const keyMember: Readonly<Record<ListName, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
}

/** A server that is never content has each of its lists fetched for that so often at most. */
const renewalRate = { burst: 20, perSecond: 1 }
/** Of one server. */
const listsMax = 200

export type CatalogDeps = { clock: Clock; limits: Limits; clientInfo: JsonObject }

export class Catalog {
  readonly #deps: CatalogDeps
  readonly #entries = new Map<Upstream, Map<string, Entry>>()
  /** Rises when a list is no longer believed: what was built from lists is compared against it. */
  version = 0

  constructor(deps: CatalogDeps) {
    this.#deps = deps
  }

  /** The list if it is known and fresh. */
  peek(upstream: Upstream, name: ListName, user: SessionUser): CatalogList | undefined {
    const list = this.#entries.get(upstream)?.get(`${name} ${upstream.listKey(user)}`)?.list
    return list && this.#deps.clock.now() < list.freshUntil ? list : undefined
  }

  /**
   * The list, fetched where it must be; one fetch at a time, whoever asks.
   * @throws GatewayError why it cannot be had
   */
  async get(upstream: Upstream, name: ListName, user: SessionUser): Promise<CatalogList> {
    const fresh = this.peek(upstream, name, user)
    if (fresh) return fresh
    const entry = this.#entry(upstream, `${name} ${upstream.listKey(user)}`)
    const now = this.#deps.clock.now()
    if (entry.failure && now < entry.failure.until) throw entry.failure.error
    entry.loading ??= this.#load(upstream, name, { entry, user })
    // A server that kept somebody waiting for the whole deadline keeps nobody else waiting: it is asked on, and heard of when it answers.
    const isSlow =
      entry.failure?.error.code === 'upstream_timeout' || now - entry.loadingSince >= this.#deps.limits.listingTimeoutMs
    if (!isSlow) return entry.loading
    entry.loading.catch(() => undefined)
    throw entry.failure?.error ?? new GatewayError('upstream_timeout')
  }

  /**
   * A tool of which the upstream has shown that its list is stale: fetched again, once for all who find that out.
   * @param doubted what a call was made with; where the list holds something else by now, that is given
   * @throws GatewayError why the list cannot be had
   */
  async renewTool(
    upstream: Upstream,
    user: SessionUser,
    doubted: { name: string; paramHeaders: readonly ParamHeader[] },
  ): Promise<CatalogItem | undefined> {
    const tool = this.peek(upstream, 'tools', user)?.byKey.get(doubted.name)
    if (tool?.paramHeaders === doubted.paramHeaders) {
      const key = `tools ${upstream.listKey(user)}`
      const { renewals } = this.#entry(upstream, key)
      if (!renewals.take(this.#deps.clock.now())) return tool
      this.#entries.get(upstream)?.delete(key)
      this.#entry(upstream, key).renewals = renewals
      this.version++
    }
    const list = await this.get(upstream, 'tools', user)
    return list.byKey.get(doubted.name)
  }

  invalidate(upstream: Upstream, kind: ListKind): void {
    const entries = this.#entries.get(upstream)
    const names: readonly ListName[] = kind === 'resources' ? ['resources', 'resourceTemplates'] : [kind]
    for (const key of entries?.keys() ?? []) if (names.some((name) => key.startsWith(`${name} `))) entries?.delete(key)
    this.version++
  }

  /** What was shown through what one user or team has given. */
  forgetOwner(upstream: Upstream, ownerId: string): void {
    const entries = this.#entries.get(upstream)
    for (const key of entries?.keys() ?? []) if (key.split(' ').includes(ownerId)) entries?.delete(key)
    this.version++
  }

  forget(upstream: Upstream): void {
    this.#entries.delete(upstream)
    this.version++
  }

  #entry(upstream: Upstream, key: string): Entry {
    let entries = this.#entries.get(upstream)
    if (!entries) this.#entries.set(upstream, (entries = new Map<string, Entry>()))
    let entry = entries.get(key)
    if (entry) return entry
    // Clients choose their capabilities: how many lists are kept for them is bounded.
    const oldest = entries.size < listsMax ? undefined : entries.keys().next().value
    if (oldest !== undefined) entries.delete(oldest)
    entries.set(
      key,
      (entry = {
        list: undefined,
        loading: undefined,
        loadingSince: 0,
        failure: undefined,
        renewals: createRateBudget(renewalRate),
      }),
    )
    return entry
  }

  async #load(upstream: Upstream, name: ListName, run: { entry: Entry; user: SessionUser }): Promise<CatalogList> {
    const { entry, user } = run
    entry.loadingSince = this.#deps.clock.now()
    const cancellation = new Cancellation()
    const cancelTimer = this.#deps.clock.after(this.#deps.limits.listingTimeoutMs * 3, () => cancellation.cancel())
    try {
      const fetched = await tryTwice(
        () => upstream.place(user),
        (session) => this.#fetch(session, name, { user, cancellation }),
      )
      const list = this.#toList(upstream, name, fetched)
      entry.list = list
      // Views that were made without it are to be made again.
      if (entry.failure?.error.code === 'upstream_timeout') this.version++
      entry.failure = undefined
      return list
    } catch (error) {
      const failure = cancellation.isCancelled ? new GatewayError('upstream_timeout') : toGatewayError(error)
      // Nobody was asked where a credential is missing: it may be there the next moment.
      if (!isConnectable(failure)) entry.failure = { error: failure, until: this.#deps.clock.now() + failureMs }
      throw failure
    } finally {
      cancelTimer()
      entry.loading = undefined
    }
  }

  async #fetch(
    session: UpstreamSession,
    name: ListName,
    { user, cancellation }: { user: SessionUser; cancellation: Cancellation },
  ): Promise<FetchedList & { session: UpstreamSession }> {
    const { limits, clientInfo } = this.#deps
    const { listItemsMax: itemsMax, responseBytesMax: charsMax } = limits
    const options = { clientInfo, capabilities: user.capabilities, itemsMax, charsMax, cancellation }
    return { ...(await fetchList(session, name, options)), session }
  }

  #toList(
    upstream: Upstream,
    name: ListName,
    fetched: { items: JsonObject[]; ttlMs: number | undefined; extra: JsonObject; session: UpstreamSession },
  ): CatalogList {
    const { era, capabilities } = fetched.session.facts
    const items = fetched.items.flatMap((item) => toCatalogItem(name, item, era))
    const ttlMs = believedMs(fetched.ttlMs, {
      limitMs: upstream.server.listTtlMs,
      isAnnounced: announcesChanges(capabilities, name),
    })
    const byKey = new Map(items.map((item) => [item.key, item]))
    const freshUntil = this.#deps.clock.now() + ttlMs
    const { extra } = fetched
    return { items: [...byKey.values()], byKey, era, takesTasks: takesTasks(capabilities), extra, freshUntil }
  }
}

function toCatalogItem(name: ListName, item: JsonObject, era: Era): CatalogItem[] {
  const key = item[keyMember[name]]
  if (typeof key !== 'string' || key === '') return []
  if (name !== 'tools') return [{ key, item, paramHeaders: [] }]
  const paramHeaders = readParamHeaders(item['inputSchema'])
  // 2026-07-28, streamable-http: a client MUST drop a tool whose header annotations are not valid.
  if (paramHeaders === null && era === 'modern') return []
  return [{ key, item, paramHeaders: paramHeaders ?? [] }]
}

function announcesChanges(capabilities: JsonObject, name: ListName): boolean {
  const declared = capabilities[name === 'resourceTemplates' ? 'resources' : name]
  return isJsonObject(declared) && declared['listChanged'] === true
}

function believedMs(ttlMs: number | undefined, server: { limitMs: number; isAnnounced: boolean }): number {
  if (ttlMs === undefined || (ttlMs === 0 && server.isAnnounced)) return server.limitMs
  return Math.min(Math.max(ttlMs, ttlMsMin), server.limitMs)
}
