/** What happens to credentials beside calls: they are renewed in time, and who sees a server through one is told when that changes. */
import type { Logger } from 'pino'
import type { CredentialEntry } from '#core/credential/credential-book.ts'
import { GrantTender } from '#core/credential/grant-tender.ts'
import { isUsable } from '#core/credential/grant-life.ts'
import type { Locks } from '#core/locks/locks.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { CredentialDeps } from '#gateway/credential/credential-deps.ts'
import { planOf } from '#gateway/credential/grant-plans.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { describeError, isStorageAway } from './describe-error.ts'
import { startRounds } from './rounds.ts'
import { systemClock } from './system-clock.ts'

const tendMs = 30_000

type TendingDeps = { deps: CredentialDeps; engine: Gateway; locks: Locks; log: Logger }

/** Every replica, about every half minute; one of them does it. */
export function startTending({ deps, engine, locks, log }: TendingDeps): AsyncDisposable {
  const tender = new GrantTender({ ...deps, locks, planOf: (serverId, owner) => findPlan(serverId, owner) })
  const findPlan: ConstructorParameters<typeof GrantTender>[0]['planOf'] = (serverId, owner) => {
    const upstream = engine.registry.upstreams.find(({ server }) => server.id === serverId)
    return upstream ? planOf(upstream.server, owner, deps) : null
  }
  return startRounds({ clock: systemClock, everyMs: tendMs }, async () => {
    try {
      await tender.tend()
    } catch (error) {
      if (!isStorageAway(error)) log.error({ err: describeError(error) }, 'credentials could not be looked after')
    }
  })
}

type WatchDeps = { deps: Pick<CredentialDeps, 'book'>; snapshot: Pick<ResourceSnapshot, 'get'>; engine: Gateway }

type Seen = { id: string; version: number; gives: string }

/** @returns to be called after what is stored has changed */
export function watchCredentials({ deps: { book }, snapshot, engine }: WatchDeps): () => void {
  let version = -1
  let known = new Map<string, Seen>()
  return () => {
    if (book.version === version) return
    const isFirst = version === -1
    version = book.version
    const before = known
    known = new Map()
    const changed: CredentialEntry[] = []
    for (const entry of book.all()) {
      const seen = before.get(entry.name)
      // Accounts are renewed all the time, one by one: the others are not looked into.
      const isSame = seen?.id === entry.id && seen.version === entry.version
      const next = isSame ? seen : { id: entry.id, version: entry.version, gives: whatItGives(entry) }
      known.set(entry.name, next)
      if (seen?.gives !== next.gives) changed.push(entry)
    }
    // Those that are gone are gone with their server or their owner, who sees nothing any more.
    if (isFirst) return
    for (const { credential } of changed) {
      const name = snapshot.get('server', credential.server)?.name
      if (name !== undefined) engine.credentialChanged(name, credential.owner.ref)
    }
  }
}

/** Equal as long as a server shows the same through it: that a grant was renewed changes nothing. */
function whatItGives({ id, credential, version }: CredentialEntry): string {
  const { secret, variables } = credential
  const own = secret?.kind === 'oauth' ? secret.givenAt : version
  return JSON.stringify([id, isUsable(credential) ? own : '', variables])
}
