/** Two replicas' shared sessions, over records and a bus that can be taken away from either. */
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemoryMcpSessionRecords } from '#adapters/memory/mcp-session-records.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { McpSessionRecords } from '#core/session/mcp-session-records.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import { ClientSession } from '#gateway/client/client-session.ts'
import { SharedSessions } from '#gateway/client/shared-sessions.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { SwitchedBus } from './switched-bus.ts'
import { limits, principal } from './upstreams.ts'

export const idleMs = 100_000
export const everything: Address = { scope: 'servers', names: null, narrowing: null }
export const aggregate: Endpoint = { key: 'aggregate:a', kind: 'aggregate', upstreams: [] }
const ann = principal('ann')

/** Records that may be away. */
class SwitchedRecords implements McpSessionRecords {
  isAway = false
  touches = 0
  readonly #store: McpSessionRecords

  constructor(store: McpSessionRecords) {
    this.#store = store
  }

  put: McpSessionRecords['put'] = (...given) => this.#ask(() => this.#store.put(...given))
  get: McpSessionRecords['get'] = (...given) => this.#ask(() => this.#store.get(...given))
  end: McpSessionRecords['end'] = (...given) => this.#ask(() => this.#store.end(...given))
  touch: McpSessionRecords['touch'] = (uses) => {
    this.touches += uses.length
    return this.#ask(() => this.#store.touch(uses))
  }

  async #ask<Answer>(task: () => Promise<Answer>): Promise<Answer> {
    if (this.isAway) throw new GatewayError('storage_unavailable')
    return task()
  }
}

export type LabReplica = { shared: SharedSessions; bus: SwitchedBus; records: SwitchedRecords }

export class ReplicaLab {
  readonly clock = new FakeClock()
  /** What is really stored and said. */
  readonly store: McpSessionRecords = createMemoryMcpSessionRecords({ clock: this.clock })
  readonly line: Bus = createMemoryBus()
  readonly one = this.#replica('one')
  readonly two = this.#replica('two')

  #replica(name: string): LabReplica {
    const [bus, records] = [new SwitchedBus(this.line), new SwitchedRecords(this.store)]
    const shared = new SharedSessions({
      records,
      bus,
      clock: this.clock,
      limits: limits({ sessionIdleMs: idleMs }),
      randomId: (prefix) => `${prefix}_${name}`,
    })
    return { shared, bus, records }
  }

  /** `mcp_1` of a client that can be asked. */
  session(more: { firstQuestionId?: number; info?: JsonObject } = {}): ClientSession {
    return new ClientSession({
      id: 'mcp_1',
      principal: ann,
      address: everything,
      endpoint: aggregate,
      revision: '2025-11-25',
      facts: { capabilities: { sampling: {} }, info: more.info, logLevel: undefined },
      clock: this.clock,
      askTimeoutMs: 600_000,
      callsMax: 10,
      exposeUri: (_server, uri) => uri,
      taskOwners: new TaskOwners(),
      firstQuestionId: more.firstQuestionId ?? 1,
    })
  }

  /** The session on both: opened on the first, taken up by the second. */
  async onBoth(): Promise<[ClientSession, ClientSession]> {
    const [first, second] = [this.session(), this.session({ firstQuestionId: 1_000 })]
    await this.one.shared.share(first)
    this.two.shared.join(second)
    await settled()
    return [first, second]
  }

  /** Time passes, in which some are used all the time, and both sweep as a gateway does. */
  async live(ms: number, used: readonly ClientSession[] = []): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5_000) {
      await this.clock.advance(5_000)
      for (const own of used) own.lastUsedAt = this.clock.now()
      await Promise.all([this.one.shared.sweep(), this.two.shared.sweep()])
    }
  }
}

/** Those of what a replica has said that are of one kind. */
export function saidOf({ bus }: LabReplica, word: string): JsonObject[] {
  return bus.published.filter((sent) => sent['do'] === word)
}
