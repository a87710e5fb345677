/** The control plane on a store in memory, with an index that has each change at once. */
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { type ResourceKind, resourceKinds } from '#contract/resource.ts'
import type { Binding } from '#contract/role-binding.ts'
import { type Actor, actorOfToken, actorOfUser, type Caller } from '#control/actor.ts'
import type { CanIDeps } from '#control/can-i.ts'
import type { MintDeps } from '#control/mint-token.ts'
import type { PasswordDeps } from '#control/passwords.ts'
import { TokenRoom } from '#control/token-room.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import type { Resource, SpecOf } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { FakeClock } from './fake-clock.ts'
import { resource } from './resources.ts'

export class ControlWorld {
  readonly store = createMemoryResourceStore()
  readonly index = new ResourceSnapshot()
  readonly clock = new FakeClock(Date.parse('2026-11-21T12:00:00Z'))
  readonly events: ChangeEvent[] = []
  /** Keys of attempts that are not let through any more. */
  readonly exhausted = new Set<string>()
  readonly limits = { tokensPerOwnerMax: 1_000 }
  readonly deps: MintDeps & PasswordDeps & CanIDeps = {
    store: this.store,
    index: this.index,
    clock: this.clock,
    newId: randomId,
    changes: { append: (event) => void this.events.push(event) },
    announce: () => this.refresh(),
    secrets: { mint: mintToken, hash: hashToken },
    tokenRoom: new TokenRoom(this),
    passwords: {
      hash: async (password) => `hash of ${password}`,
      verify: async (password, hash) => hash === `hash of ${password}`,
    },
    passwordStore: this.store.passwords,
    agentSessions: { agentIdOf: async () => null },
    counters: {
      charge: async (charges) => {
        const refusedBy = charges.findIndex(({ key }) => this.exhausted.has(key))
        return { isAllowed: refusedBy < 0, refusedBy, retryAfterMs: 5_000, left: [], isCounted: true }
      },
    },
  }

  async refresh(): Promise<void> {
    this.index.apply({ ...(await this.store.load()), isWhole: true })
  }

  /** Somebody who has signed in, or one of the tokens, by name. */
  as(kind: 'user' | 'token', name: string): Caller {
    return { actor: this.#actorOf(this.index.find(kind, name)), requestId: 'req_1', changedBy: '' }
  }

  #actorOf(found: Resource | undefined): Actor {
    if (found?.kind === 'token') return actorOfToken(this.index, found, this.clock.now())
    const actor = found?.kind === 'user' ? actorOfUser(this.index, found) : null
    if (!actor) throw new Error('there is no such actor')
    return actor
  }

  stored<Kind extends ResourceKind>(kind: Kind, name: string): Promise<Resource<Kind> | null> {
    return this.store.find(kind, name)
  }

  async count(): Promise<number> {
    return (await this.store.load()).changed.length
  }
}

/** What is named by others comes first. */
const order: readonly ResourceKind[] = [
  'policy',
  'secret',
  'server',
  'organization',
  'toolset',
  'user',
  'team',
  'project',
]

/** @param declared ids `cfg_…` */
export async function controlWorld(
  stored: readonly Resource[],
  declared: readonly Resource[] = [],
): Promise<ControlWorld> {
  const world = new ControlWorld()
  world.index.declare(declared)
  for (const kind of [...order, ...resourceKinds.filter((kind) => !order.includes(kind))]) {
    const ofKind = stored.filter((one) => one.kind === kind)
    await world.store.write(ofKind.map((resource) => ({ do: 'create', resource })))
  }
  await world.refresh()
  return world
}

/** What binds a user to all that. */
export function bound(userId: string, ...bindings: Binding[]): Resource<'role_binding'> {
  return resource('role_binding', `of-${userId}`.replaceAll('_', '-'), {
    subjects: [{ kind: 'user', ref: userId }],
    bindings,
  })
}

/** The same resource, its spec changed. */
export function having<Kind extends ResourceKind>(
  one: { kind: Kind; name: string; spec: SpecOf[Kind] },
  spec: Partial<SpecOf[Kind]>,
): Resource<Kind> {
  return resource(one.kind, one.name, { ...one.spec, ...spec })
}
