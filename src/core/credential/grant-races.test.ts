/** Replicas, a slow store and a slow authorization server, in any order of things: no refresh token is used twice. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { MemoryCredentialBook, storedCredential, storedGrant } from '#test/support/credential-books.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { issuerSource, RotatingIssuer } from '#test/support/rotating-issuer.ts'
import type { CredentialBook, CredentialEntry } from './credential-book.ts'
import { GrantKeeper } from './grant-keeper.ts'
import type { GrantPlan } from './grant-plan.ts'
import type { StoredCredential } from './stored-credential.ts'

const lifeMs = 120_000
const storeMsMax = 2_000
const issuerMsMax = 14_000

const plan: GrantPlan = {
  serverId: 'srv_files',
  serverName: 'files',
  owner: { kind: 'user', ref: 'usr_ann' },
  fits: () => true,
  source: async () => issuerSource,
  refusal: (state) => new GatewayError('credential_required', { details: { state } }),
}

/** Waits for some time before and after whatever is done, and for another each time. */
class Delays {
  readonly #clock: FakeClock
  #seed: number

  constructor(clock: FakeClock, seed: number) {
    this.#clock = clock
    this.#seed = seed
  }

  wait(msMax: number): Promise<void> {
    // The constants of glibc's rand.
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648
    const ms = (this.#seed / 2_147_483_648) * msMax
    return new Promise((resolve) => void this.#clock.after(ms, resolve))
  }
}

class SlowBook implements CredentialBook {
  readonly #inner: MemoryCredentialBook
  readonly #delays: Delays

  constructor(inner: MemoryCredentialBook, delays: Delays) {
    this.#inner = inner
    this.#delays = delays
  }

  get version(): number {
    return this.#inner.version
  }

  find(name: string): CredentialEntry | undefined {
    return this.#inner.find(name)
  }

  all(): CredentialEntry[] {
    return this.#inner.all()
  }

  latest(name: string): Promise<CredentialEntry | null> {
    return this.#slowly(() => this.#inner.latest(name))
  }

  write(credential: StoredCredential, seen: CredentialEntry): Promise<CredentialEntry | null> {
    return this.#slowly(() => this.#inner.write(credential, seen))
  }

  async #slowly<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#delays.wait(storeMsMax)
    const result = await work()
    await this.#delays.wait(storeMsMax)
    return result
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('call' as const), keeper: fc.nat(2) }),
  fc.record({ do: fc.constant('refused' as const), keeper: fc.nat(2) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(90_000) }),
)

it('a grant is never lost', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(1_000_000), async (steps, seed) => {
      const clock = new FakeClock()
      const delays = new Delays(clock, seed)
      const shared = new MemoryCredentialBook()
      shared.put(storedCredential({ secret: storedGrant({ expiresAt: clock.now() + lifeMs }) }))
      const turn = (): Promise<void> => delays.wait(issuerMsMax / 2)
      const oauth = new RotatingIssuer({ now: () => clock.now(), lifeMs, turn })
      const book = new SlowBook(shared, delays)
      const changes = { append: () => undefined }
      const keepers = Array.from({ length: 3 }, () => new GrantKeeper({ book, clock, oauth, changes }))
      const answers: Promise<unknown>[] = []
      for (const one of steps) {
        const keeper = 'keeper' in one ? keepers[one.keeper] : undefined
        if (one.do === 'wait') await clock.advance(one.ms)
        else if (keeper && one.do === 'refused') answers.push(keeper.renew(plan, `access-${oauth.generation}`))
        else if (keeper) answers.push(Promise.resolve().then(() => keeper.current(plan)))
      }
      const outcomes = Promise.allSettled(answers)
      await clock.advance(600_000)
      const codes = (await outcomes).flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : []))
      // Who has waited for too long for the others may say so; nobody is told that the account has ended.
      expect(codes.filter((code) => code !== 'credential_unavailable')).toEqual([])
      expect(oauth.isRevoked).toBe(false)
      const stored = shared.find('srv_files.user.usr_ann')?.credential
      expect(stored).toMatchObject({
        state: 'connected',
        renewingUntil: null,
        secret: { refreshToken: `refresh-${oauth.generation}` },
      })
    }),
    { numRuns: 1_000 },
  )
})

function codeOf(reason: unknown): string {
  return reason instanceof GatewayError ? reason.code : String(reason)
}
