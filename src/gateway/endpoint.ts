/** The addresses behind which servers are offered: all, some, or one alone. */
import { GatewayError } from '#contract/errors.ts'
import type { AddressWords } from '#core/naming/address.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'

export type Endpoint = {
  /** Equal for equal sets of servers. */
  key: string
  /** `single`: one server under its own names. `aggregate`: names carry their server's prefix. */
  kind: 'single' | 'aggregate'
  upstreams: readonly Upstream[]
}

/** What a client asked for. After a change of the configuration the same words may mean other servers. */
export type Address = AddressWords & {
  /** The value of `x-mcp-servers`; null: nothing is narrowed. */
  narrowing: string | null
  /** The client's own address is internal: servers that are there for such clients alone are there. */
  isInternal?: true
}

export function isSameAddress(one: Address, other: Address): boolean {
  const isSamePlace = one.scope === other.scope && one.names === other.names
  return isSamePlace && one.narrowing === other.narrowing && one.isInternal === other.isInternal
}

/** A snapshot of the servers, replaced whole when the configuration changes. */
export class Registry {
  readonly #byName: ReadonlyMap<string, Upstream>
  /** Null for an alias that several have: nobody knows which is meant. */
  readonly #byAlias = new Map<string, Upstream | null>()
  readonly #byLabel = new Map<string, Upstream[]>()
  readonly #byAddress = new Map<string, Endpoint>()
  readonly #byKey = new Map<string, Endpoint>()

  constructor(upstreams: Iterable<Upstream>) {
    this.#byName = new Map([...upstreams].map((upstream) => [upstream.name, upstream]))
    for (const upstream of this.#byName.values()) {
      for (const alias of upstream.server.aliases) this.#addAlias(alias, upstream)
      for (const label of upstream.server.labels)
        this.#byLabel.set(label, [...(this.#byLabel.get(label) ?? []), upstream])
    }
  }

  #addAlias(alias: string, upstream: Upstream): void {
    const known = this.#byAlias.get(alias)
    this.#byAlias.set(alias, known === undefined || known === upstream ? upstream : null)
  }

  get upstreams(): Upstream[] {
    return [...this.#byName.values()]
  }

  /** By real name or alias; a real name wins. */
  find(name: string): Upstream | undefined {
    return this.#byName.get(name) ?? this.#byAlias.get(name) ?? undefined
  }

  /** Everything that is enabled. */
  all(): Endpoint {
    return this.#endpoint('', () => ({
      kind: 'aggregate',
      upstreams: this.upstreams.filter(({ server }) => server.isEnabled),
    }))
  }

  /**
   * One name alone is served un-prefixed if it is a server's; a label or a comma list is an aggregate.
   * @throws GatewayError `server_not_found` when a name means nothing
   */
  named(names: string): Endpoint {
    return this.#endpoint(names, () => {
      const parts = splitNames(names)
      const only = parts.length === 1 ? this.find(parts[0] ?? '') : undefined
      if (only) return { kind: 'single', upstreams: enabled([only]) }
      return { kind: 'aggregate', upstreams: this.#select(parts, true) }
    })
  }

  /** Those that are there and enabled, each once and with its prefix, however many they are: a server that joins renames nothing. */
  listed(servers: readonly string[]): Endpoint {
    const found = servers.map((name) => this.#byName.get(name)).filter((upstream) => upstream !== undefined)
    return this.#intern({ kind: 'aggregate', upstreams: [...new Set(found)].filter(({ server }) => server.isEnabled) })
  }

  /**
   * `x-mcp-servers`: narrows what there is. Names that mean nothing name nothing; no name that means something gives nothing. Servers' names
   * are taken in any case, as other gateways take them: this only ever narrows.
   */
  narrowed(endpoint: Endpoint, names: string): Endpoint {
    return this.#endpoint(`${endpoint.key}|${names}`, () => {
      const chosen = this.#select(splitNames(names), false)
      return { kind: endpoint.kind, upstreams: endpoint.upstreams.filter((upstream) => chosen.includes(upstream)) }
    })
  }

  #endpoint(address: string, build: () => Omit<Endpoint, 'key'>): Endpoint {
    const known = this.#byAddress.get(address)
    if (known) return known
    const endpoint = this.#intern(build())
    // Addresses are the caller's words: what is remembered of them is bounded.
    if (this.#byAddress.size >= endpointsMax) this.#byAddress.clear()
    if (address.length <= addressCharsMax) this.#byAddress.set(address, endpoint)
    return endpoint
  }

  /**
   * The names of an address, each with the servers that it means; none for one that is no server's, alias or label.
   * @throws GatewayError `server_not_found` when there are too many
   */
  meanings(names: string): { part: string; servers: string[] }[] {
    const parts = new Set(splitNames(names))
    return [...parts].map((part) => ({ part, servers: this.#members(part).map(({ name }) => name) }))
  }

  #members(part: string): readonly Upstream[] {
    const found = this.#serversOf(part)
    return found.length > 0 ? found : (this.#byLabel.get(part) ?? [])
  }

  #serversOf(name: string): readonly Upstream[] {
    const found = this.find(name)
    return found ? [found] : []
  }

  /** One object for one set of servers: lists are kept by it. */
  #intern(built: Omit<Endpoint, 'key'>): Endpoint {
    const key = `${built.kind}:${built.upstreams.map(({ name }) => name).join(',')}`
    const known = this.#byKey.get(key)
    if (known) return known
    const endpoint = { ...built, key }
    if (this.#byKey.size >= endpointsMax) this.#byKey.clear()
    this.#byKey.set(key, endpoint)
    return endpoint
  }

  #select(parts: readonly string[], isStrict: boolean): Upstream[] {
    const chosen = new Set<Upstream>()
    for (const part of parts) {
      const exact = this.#members(part)
      if (exact.length === 0 && isStrict) throw new GatewayError('server_not_found')
      const members = exact.length > 0 ? exact : this.#serversOf(part.toLowerCase())
      for (const upstream of members) if (upstream.server.isEnabled) chosen.add(upstream)
    }
    return [...chosen]
  }
}

const endpointsMax = 1_000
const addressCharsMax = 512
const namesMax = 100

function splitNames(names: string): string[] {
  const parts = names.split(',', namesMax + 1).map((name) => name.trim())
  if (parts.length > namesMax) throw new GatewayError('server_not_found', { details: { namesMax } })
  return parts.filter((name) => name !== '')
}

function enabled(upstreams: Upstream[]): Upstream[] {
  if (upstreams.some(({ server }) => !server.isEnabled)) throw new GatewayError('server_not_found')
  return upstreams
}
