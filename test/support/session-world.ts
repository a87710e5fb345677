/** Agents' sessions as the control plane has them, over memory. */
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import { createMemorySessionStore } from '#adapters/memory/session-store.ts'
import type { Binding } from '#contract/role-binding.ts'
import type { StartedSession } from '#contract/session.ts'
import type { Caller } from '#control/actor.ts'
import type { SessionDeps } from '#control/session-deps.ts'
import { createSessionsControl, type SessionsControl } from '#control/sessions.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import { everything } from '#core/rbac/evaluate.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { SessionIndex } from '#core/session/session-index.ts'
import { verifySessionToken, type SessionClaims } from '#core/session/session-token.ts'
import { FakeClock } from './fake-clock.ts'
import { resource } from './resources.ts'

export class SessionWorld {
  readonly clock = new FakeClock()
  readonly snapshot = new ResourceSnapshot()
  readonly known = new SessionIndex()
  readonly keys = createSessionKeys({ current: Buffer.alloc(32, 'k'), previous: null })
  readonly sessions = createMemorySessionStore()
  readonly changes: ChangeEvent[] = []
  base: string | null = 'https://gate.example'
  isCurrent = true
  announced = 0
  readonly deps: SessionDeps
  readonly control: SessionsControl
  #ids = 0

  /** With an agent `helper`, to which `git` is attached whole, and of `files` the tool `read`. */
  constructor() {
    const { snapshot, known, clock, keys, sessions } = this
    const store = {
      get: async (kind: 'agent', id: string) => snapshot.get(kind, id) ?? null,
      find: async (kind: 'agent', name: string) => snapshot.find(kind, name) ?? null,
    }
    this.deps = {
      store: store as unknown as SessionDeps['store'],
      index: snapshot,
      clock,
      newId: (prefix) => `${prefix}_${String(++this.#ids).padStart(20, '0')}`,
      changes: { append: (event) => void this.changes.push(event) },
      sessions,
      known,
      keys,
      baseUrl: () => this.base,
      isCurrent: () => this.isCurrent,
      announceSession: () => void this.announced++,
      counters: createMemoryCounters({ clock }),
      limits: {
        agentSessionsMax: 3,
        agentSessionsPerAgentMax: 3,
        agentSessionStartsPerMinuteMax: 1_000,
        agentSessionStartMs: 600_000,
      },
    }
    this.control = createSessionsControl(this.deps)
    this.put(resource('server', 'git'), resource('server', 'files'), helper())
  }

  put(...changed: Resource[]): void {
    this.snapshot.apply({ changed, deleted: [], isWhole: false })
  }

  drop(kind: Resource['kind'], id: string): void {
    this.snapshot.apply({ changed: [], deleted: [{ kind, id }], isWhole: false })
  }

  start(more: object = {}): Promise<StartedSession> {
    return this.control.create(admin, { agent: 'helper', ...more })
  }

  /** What stands in a token of the broker. @throws where it is none */
  claimsOf(text: string | undefined): SessionClaims {
    const deps = { keys: this.keys, now: this.clock.now() }
    const verdict = verifySessionToken(text ?? '', { kind: 'access', scope: 'mcp' }, deps)
    if ('fault' in verdict) throw new Error(verdict.fault)
    return verdict.claims
  }
}

export function helper(more: object = {}): Resource<'agent'> {
  return resource('agent', 'helper', {
    model: 'large',
    instructions: 'Help.',
    harness: 'claude-agent-sdk',
    servers: [{ server: 'srv_git' }, { server: 'srv_files', tools: ['read'] }],
    ...more,
  })
}

/** Somebody with these rights. */
export function caller(bindings: readonly Binding[] = everything): Caller {
  const actor = { kind: 'token' as const, id: 'tok_platform', name: 'platform', bindings, user: null, token: null }
  return { actor, requestId: 'req_1', changedBy: '' }
}

export const admin = caller()
