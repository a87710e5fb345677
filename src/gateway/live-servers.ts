/** The servers that are configured now, with their upstream sides, and those that are gone but still have calls to end. */
import { type GatewayError, toGatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Clock } from '#core/clock.ts'
import type { Forwarding } from '#core/credential/forwarded-headers.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import { canonicalJson } from '#core/protocol/capabilities.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { CreateEventReader } from '#core/upstream/event-reader.ts'
import type { Catalog } from '#gateway/catalog/catalog.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'
import { Upstream, type Wires } from '#gateway/upstream/upstream.ts'
import { Registry } from './endpoint.ts'

export type LiveServersDeps = {
  clock: Clock
  limits: Limits
  serverInfo: JsonObject
  createEventReader: CreateEventReader
  openWires(server: ServedServer): Wires
  /** How its requests are authenticated. @throws GatewayError `config_invalid` */
  credentialOf(server: ServedServer): ServerCredential
  /** What passes of a caller's headers. @throws GatewayError `config_invalid` */
  forwardingOf(server: ServedServer): Forwarding
  onTrouble(server: string, error: GatewayError, diagnosis: string): void
}

const drainMsMax = 30_000

export class LiveServers {
  readonly #deps: LiveServersDeps
  readonly #catalog: Catalog
  readonly #onListChanged: (upstream: Upstream, kind: ListKind) => void
  readonly #retiring = new Set<Upstream>()
  #registry = new Registry([])
  /** Definitions that no upstream can be made of, by name: told once each. */
  #broken = new Map<string, string>()

  constructor(deps: LiveServersDeps, catalog: Catalog, onListChanged: (upstream: Upstream, kind: ListKind) => void) {
    this.#deps = deps
    this.#catalog = catalog
    this.#onListChanged = onListChanged
  }

  get registry(): Registry {
    return this.#registry
  }

  get callsUnderWay(): number {
    return this.#all.reduce((sum, upstream) => sum + upstream.callsUnderWay, 0)
  }

  get #all(): Upstream[] {
    return [...this.#registry.upstreams, ...this.#retiring]
  }

  /**
   * A server that is the same stays as it is, with its sessions and calls under way. One that cannot be made is not there, and costs the others
   * nothing: what is stored was taken by another version, or written by another hand.
   */
  apply(servers: readonly ServedServer[]): void {
    const before = new Map(this.#registry.upstreams.map((upstream) => [upstream.name, upstream]))
    const broken = new Map<string, string>()
    const upstreams = servers.flatMap((server) => {
      const known = before.get(server.name)
      // Most changes are of something else, such as an account that was renewed: then it is the very same, and nothing is compared.
      const fingerprint = known?.server === server ? known.fingerprint : canonicalJson(server)
      if (known?.fingerprint === fingerprint) {
        before.delete(server.name)
        return known
      }
      const made = this.#tryToCreate(server, fingerprint)
      if (!made) broken.set(server.name, fingerprint)
      return made ?? []
    })
    this.#broken = broken
    // Where only tokens or policies have changed, what is known of the servers stays warm.
    if (isSameList(upstreams, this.#registry.upstreams)) return
    this.#registry = new Registry(upstreams)
    for (const upstream of before.values()) this.#retire(upstream)
    this.#catalog.version++
  }

  #tryToCreate(server: ServedServer, fingerprint: string): Upstream | null {
    if (this.#broken.get(server.name) === fingerprint) return null
    try {
      return this.#createUpstream(server)
    } catch (error) {
      this.#deps.onTrouble(server.name, toGatewayError(error), '')
      return null
    }
  }

  #createUpstream(server: ServedServer): Upstream {
    const { clock, limits, createEventReader, serverInfo } = this.#deps
    return new Upstream(server, {
      clock,
      limits,
      createEventReader,
      wires: this.#deps.openWires(server),
      credential: this.#deps.credentialOf(server),
      forwarding: this.#deps.forwardingOf(server),
      clientInfo: serverInfo,
      onListChanged: this.#onListChanged,
      onTrouble: (upstream, error) => this.#deps.onTrouble(upstream.name, error, upstream.diagnosis),
    })
  }

  #retire(upstream: Upstream): void {
    this.#catalog.forget(upstream)
    this.#retiring.add(upstream)
    void upstream.retire(drainMsMax).finally(() => this.#retiring.delete(upstream))
  }

  sweep(): void {
    for (const upstream of this.#registry.upstreams) upstream.sweep()
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((upstream) => upstream.close()))
  }
}

function isSameList(one: readonly Upstream[], other: readonly Upstream[]): boolean {
  return one.length === other.length && one.every((upstream, index) => upstream === other[index])
}
