/**
 * What one caller sees of one endpoint: the lists of its servers, named for the endpoint and cut to what the caller may read. Built once
 * and kept until a list changes; a warm answer is a prepared text.
 */
import { GatewayError, toGatewayError, type ErrorCode } from '#contract/errors.ts'
import type { Access, Decision } from '#core/access/access.ts'
import { allowsRead } from '#core/access/decide.ts'
import type { Clock } from '#core/clock.ts'
import { exposeName } from '#core/naming/tool-name.ts'
import { exposeUri } from '#core/naming/resource-uri.ts'
import { capabilitiesKey } from '#core/protocol/capabilities.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { toLegacyTool, toModernTool, withoutExecution } from '#core/protocol/translate.ts'
import type { Era } from '#core/protocol/revisions.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Catalog, CatalogItem, CatalogList } from './catalog.ts'
import type { ListName } from './list-fetch.ts'

export type Exposed = {
  /** The name, or URI, at this endpoint. */
  exposed: string
  upstream: Upstream
  item: CatalogItem
  decision: Decision
  /** The era in which the upstream offered it. */
  era: Era
  /** Whether what a tool says of tasks holds here: other servers of an aggregate may take them where its own does not. */
  showsTasks: boolean
}

export type ServerReport = {
  name: string
  status: 'ok' | 'failing'
  reason?: ErrorCode
  /** Where its caller can give the credential that is missing. */
  connectUrl?: string
  /** Names that another server's would be as well, so that neither is offered. */
  hidden?: readonly string[]
}

export type ListView = {
  name: ListName
  entries: ReadonlyMap<string, Exposed>
  reports: readonly ServerReport[]
  /** By server: what its caller can do something about, where that is why the server's entries are not here. */
  unconnected: ReadonlyMap<string, GatewayError>
  /** Members of the upstream's own result, where it stands alone. */
  extra: JsonObject
  version: number
  /** Unix time in milliseconds. */
  freshUntil: number
  /** Prepared results by client era and page. */
  pages: Map<string, Buffer>
}

export type ViewCaller = { access: Access; user: SessionUser }

export type ViewsDeps = {
  clock: Clock
  catalog: Catalog
  separator: string
  listingTimeoutMs: number
  hash: (text: string) => string
}

type Place = { view: ListView | undefined; building: { version: number; view: Promise<ListView> } | undefined }
type Shelf = Map<string, { [Name in ListName]?: Place }>

const capabilitySetsMax = 100
/** A list that lacks a failing server is made anew after this long. */
const partialMs = 2_000

export class Views {
  readonly #deps: ViewsDeps
  /** By endpoint and access, which are the same objects from call to call; within, by list and capabilities. */
  readonly #shelves = new WeakMap<Endpoint, WeakMap<Access, Shelf>>()

  constructor(deps: ViewsDeps) {
    this.#deps = deps
  }

  /** Synchronous when the view is warm: the hot path does not wait a turn. */
  get(endpoint: Endpoint, name: ListName, caller: ViewCaller): ListView | Promise<ListView> {
    const place = this.#place(endpoint, name, caller)
    const { view } = place
    const { version } = this.#deps.catalog
    if (view && view.version === version && this.#deps.clock.now() < view.freshUntil) return view
    // One that was begun before a change may hold what was true then.
    if (place.building?.version === version) return place.building.view
    const building = { version, view: this.#build(endpoint, name, caller) }
    place.building = building
    void this.#keep(place, building)
    return building.view
  }

  async #keep(place: Place, building: NonNullable<Place['building']>): Promise<void> {
    const view = await building.view.catch(() => undefined)
    if (place.building !== building) return
    place.view = view
    place.building = undefined
  }

  #place(endpoint: Endpoint, name: ListName, caller: ViewCaller): Place {
    let shelves = this.#shelves.get(endpoint)
    if (!shelves) this.#shelves.set(endpoint, (shelves = new WeakMap()))
    let shelf = shelves.get(caller.access)
    if (!shelf) shelves.set(caller.access, (shelf = new Map()))
    const key = shelfKey(endpoint, caller)
    let places = shelf.get(key)
    if (!places) {
      // Capabilities are the client's word: how many sets of them are remembered is bounded.
      if (shelf.size >= capabilitySetsMax) shelf.clear()
      shelf.set(key, (places = {}))
    }
    return (places[name] ??= { view: undefined, building: undefined })
  }

  async #build(endpoint: Endpoint, name: ListName, caller: ViewCaller): Promise<ListView> {
    // A change that comes while this is built makes it stale at once.
    const { version } = this.#deps.catalog
    // Who may see nothing of a server does not learn that it is there, and does not make the gateway call it.
    const reachable = endpoint.upstreams.filter((upstream) => caller.access.mayReach(upstream.name))
    const outcomes = await Promise.all(reachable.map((upstream) => this.#list(upstream, name, caller)))
    const [only] = outcomes
    if (endpoint.kind === 'single' && only && 'error' in only) throw only.error
    const entries = new Map<string, Exposed>()
    const contested = new Map<string, Set<string>>()
    const reports: ServerReport[] = []
    const unconnected = new Map<string, GatewayError>()
    let freshUntil = Number.POSITIVE_INFINITY
    for (const outcome of outcomes) {
      const { upstream } = outcome
      if ('error' in outcome) {
        const report = toFailing(upstream.name, outcome.error)
        reports.push(report)
        if (report.connectUrl !== undefined) unconnected.set(upstream.name, outcome.error)
        freshUntil = Math.min(freshUntil, this.#deps.clock.now() + partialMs)
        continue
      }
      const source = { endpoint, name, caller, upstream, list: outcome.list }
      if (this.#expose({ entries, contested }, source)) reports.push({ name: upstream.name, status: 'ok' })
      freshUntil = Math.min(freshUntil, outcome.list.freshUntil)
    }
    const extra = endpoint.kind === 'single' && only && 'list' in only ? only.list.extra : {}
    const told = reports.map((report) => withHidden(report, contested))
    return { name, entries, reports: told, unconnected, extra, version, freshUntil, pages: new Map() }
  }

  /** Under the one listing deadline; a server that misses it costs its own entries only. */
  async #list(
    upstream: Upstream,
    name: ListName,
    caller: ViewCaller,
  ): Promise<{ upstream: Upstream; list: CatalogList } | { upstream: Upstream; error: GatewayError }> {
    const { catalog, clock, listingTimeoutMs } = this.#deps
    let cancelTimer = (): void => undefined
    const deadline = new Promise<never>((_resolve, reject) => {
      cancelTimer = clock.after(listingTimeoutMs, () => reject(new GatewayError('upstream_timeout')))
    })
    try {
      return { upstream, list: await Promise.race([catalog.get(upstream, name, caller.user), deadline]) }
    } catch (error) {
      return { upstream, error: toGatewayError(error) }
    } finally {
      cancelTimer()
    }
  }

  /** @returns whether the caller may see anything of this server here */
  #expose(
    shown: { entries: Map<string, Exposed>; contested: Map<string, Set<string>> },
    source: { endpoint: Endpoint; name: ListName; caller: ViewCaller; upstream: Upstream; list: CatalogList },
  ): boolean {
    const { entries, contested } = shown
    const { endpoint, name, caller, upstream, list } = source
    const { access } = caller
    const showsTasks = endpoint.kind === 'single' || list.takesTasks || list.era === 'modern'
    let isVisible = allowsRead(access.server(upstream.name).level)
    for (const item of list.items) {
      const decision = name === 'tools' ? access.tool(upstream.name, item.key) : access.server(upstream.name)
      if (!allowsRead(decision.level)) continue
      isVisible = true
      const exposed = endpoint.kind === 'single' ? item.key : this.#exposedKey(upstream, name, item.key)
      const other = entries.get(exposed)
      const rivals = contested.get(exposed) ?? (other && new Set([other.upstream.name]))
      if (!rivals) {
        entries.set(exposed, { exposed, upstream, item, decision, era: list.era, showsTasks })
        continue
      }
      // `b-c` of `a` and `c` of `a-b` may be spelt alike: whichever was offered, a caller could reach a tool that it did not mean.
      contested.set(exposed, rivals.add(upstream.name))
      entries.delete(exposed)
    }
    return isVisible
  }

  #exposedKey(upstream: Upstream, name: ListName, key: string): string {
    if (name === 'resources' || name === 'resourceTemplates') return exposeUri(upstream.name, key)
    return exposeName({ prefix: upstream.name, separator: this.#deps.separator, name: key }, this.#deps.hash)
  }
}

function toFailing(name: string, { code: reason, details: { connectUrl } }: GatewayError): ServerReport {
  const report = { name, status: 'failing', reason } as const
  return typeof connectUrl === 'string' ? { ...report, connectUrl } : report
}

/** What is shared by callers of equal access is not shared where a server shows each owner of a credential its own. */
function shelfKey({ upstreams }: Endpoint, { user }: ViewCaller): string {
  let key = capabilitiesKey(user.capabilities)
  for (const upstream of upstreams) {
    const owner = upstream.ownerOf(user)
    if (owner !== '') key += ` ${owner}`
  }
  return key
}

function withHidden(report: ServerReport, contested: ReadonlyMap<string, ReadonlySet<string>>): ServerReport {
  const hidden = [...contested].flatMap(([exposed, rivals]) => (rivals.has(report.name) ? [exposed] : []))
  return hidden.length === 0 ? report : { ...report, hidden }
}

const keyMember: Readonly<Record<ListName, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
}

/** One entry as a client of the given era is shown it. */
export function toShownItem(name: ListName, entry: Exposed, era: Era): JsonObject {
  const item = { ...entry.item.item, [keyMember[name]]: entry.exposed }
  if (name !== 'tools') return item
  if (era === entry.era) return entry.showsTasks ? item : withoutExecution(item)
  return era === 'legacy' ? toLegacyTool(item) : toModernTool(item)
}
