import { createHash, randomBytes } from 'node:crypto'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError, type ErrorCode } from '#contract/errors.ts'
import type { IdempotencyStore } from '#core/resources/idempotency-store.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createMemoryIdempotencyStore } from '#test/support/memory-idempotency-store.ts'
import { openTestVault, type TestVault } from '#test/support/vault.ts'
import type { RestReply } from './handler.ts'
import { runOnce, type IdempotencyDeps } from './idempotency.ts'

type Step = Exclude<keyof IdempotencyStore, 'deleteExpired'>

const request = {
  actorId: 'usr_ann',
  key: 'k1',
  method: 'POST',
  path: '/api/v1/tokens',
  body: { name: 'ci' },
  status: 201,
}
const reply: RestReply = { body: { id: 'tok_1', secret: 'tg_once' }, version: 1 }
const away = new GatewayError('storage_unavailable')

describe('runOnce', () => {
  let clock: FakeClock
  let failing: Set<Step>
  let told: unknown[]
  let done: number
  let deps: IdempotencyDeps
  let opened: TestVault

  beforeEach(async () => {
    opened = await openTestVault()
    clock = new FakeClock()
    failing = new Set()
    told = []
    done = 0
    const store = createMemoryIdempotencyStore()
    const unless = <Result>(step: Step, run: () => Promise<Result>): Promise<Result> =>
      failing.has(step) ? Promise.reject(away) : run()
    deps = {
      idempotency: {
        ...store,
        claim: (...asked) => unless('claim', () => store.claim(...asked)),
        settle: (...asked) => unless('settle', () => store.settle(...asked)),
        release: (...asked) => unless('release', () => store.release(...asked)),
        abandon: (...asked) => unless('abandon', () => store.abandon(...asked)),
      },
      sealer: opened.vault,
      secrets: { hash: (text) => createHash('sha256').update(text).digest('hex') },
      keys: createSessionKeys({ current: randomBytes(32), previous: null }),
      clock,
    }
  })

  const send = (work: () => Promise<RestReply> = async () => reply): Promise<RestReply> =>
    runOnce(deps, { ...request, onLost: (error) => void told.push(error) }, () => {
      done++
      return work()
    })
  const codeOf = async (sent: Promise<unknown>): Promise<ErrorCode> => (await failureOf(sent)).code

  it('answers a repeat as before, and does nothing again', async () => {
    expect(await send()).toEqual(reply)
    expect(await send()).toEqual(reply)
    expect(done).toBe(1)
  })

  it('keeps its answer under the key that another process has put in the place of its own', async () => {
    const store = deps.idempotency
    const other = await openTestVault({ store: opened.store })
    const sealed: string[] = []
    const settle: IdempotencyStore['settle'] = async (...asked) => {
      sealed.push(asked[1].body)
      if (sealed.length > 1) return store.settle(...asked)
      await other.ring.replace()
      throw new GatewayError('sealing_key_replaced')
    }
    deps.idempotency = { ...store, settle }
    expect(await send()).toEqual(reply)
    expect(told).toEqual([])
    expect(sealed[1]).toMatch(`sealed2:${other.vault.keyId}:`)
    expect(await send()).toEqual(reply)
    expect(done).toBe(1)
  })

  it('answers a repeat that another process was sent first, with a key that is new here', async () => {
    const other = await openTestVault({ store: opened.store })
    await other.ring.replace()
    deps.sealer = other.vault
    await send()
    deps.sealer = opened.vault
    expect(await send()).toEqual(reply)
    expect(done).toBe(1)
  })

  it('answers although its answer cannot be kept, and does nothing again', async () => {
    failing.add('settle')
    expect(await send()).toEqual(reply)
    expect(told).toEqual([away])
    failing.clear()
    for (const waitMs of [0, 60_000, 3_600_000, 80_000_000]) {
      await clock.advance(waitMs)
      expect(await codeOf(send())).toBe('outcome_unknown')
    }
    expect(done).toBe(1)
  })

  it('does nothing again where the store could not be told that much either', async () => {
    failing.add('settle').add('abandon')
    expect(await send()).toEqual(reply)
    expect(told).toEqual([away, away])
    failing.clear()
    expect(await codeOf(send())).toBe('idempotency_conflict')
    await clock.advance(60_000)
    expect(await codeOf(send())).toBe('outcome_unknown')
    expect(done).toBe(1)
  })

  it('does nothing again that has ended in the middle, as with a process that was killed', async () => {
    void send(() => new Promise(() => undefined))
    await clock.advance(1_000)
    expect(await failureOf(send())).toMatchObject({ code: 'idempotency_conflict', details: { reason: /under way/ } })
    await clock.advance(60_000)
    expect(await codeOf(send())).toBe('outcome_unknown')
    expect(done).toBe(1)
  })

  it.each<ErrorCode>(['storage_unavailable', 'internal'])(
    'does nothing again where %s says that it may have been done',
    async (code) => {
      expect(await codeOf(send(() => Promise.reject(new GatewayError(code))))).toBe(code)
      expect(await codeOf(send())).toBe('outcome_unknown')
      expect(done).toBe(1)
    },
  )

  it('does nothing again after a defect', async () => {
    await expect(send(() => Promise.reject(new TypeError('a defect')))).rejects.toThrow('a defect')
    expect(await codeOf(send())).toBe('outcome_unknown')
  })

  it('lets a request that was refused be sent again, and says why it was refused where the store is away by then', async () => {
    const refused = () => Promise.reject(new GatewayError('invalid_body'))
    expect(await codeOf(send(refused))).toBe('invalid_body')
    failing.add('release')
    expect(await codeOf(send(refused))).toBe('invalid_body')
    expect(told).toEqual([away])
  })

  it('does nothing where the key cannot be claimed', async () => {
    failing.add('claim')
    expect(await codeOf(send())).toBe('storage_unavailable')
    expect(done).toBe(0)
  })

  it('does once what is asked at the same moment', async () => {
    const sent = await Promise.allSettled([send(), send(), send()])
    expect(sent.map(({ status }) => status).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect(done).toBe(1)
  })

  it('frees the key after a day', async () => {
    await send()
    await clock.advance(86_400_001)
    await send()
    expect(done).toBe(2)
  })
})
