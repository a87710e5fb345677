import { pino, type Logger } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLocalWrapper } from '#adapters/crypto/local-wrapper.ts'
import { GatewayError } from '#contract/errors.ts'
import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { openTestVault, secretOf, type TestVault } from '#test/support/vault.ts'
import { followKeys } from './follow-keys.ts'

const local = createLocalWrapper(secretOf('a'))
const away = new GatewayError('vault_unavailable', { details: { reason: 'nobody answers' } })

describe('who follows keys', () => {
  let clock: FakeClock
  let lines: string[]
  let log: Logger
  let isAway: boolean
  let mine: TestVault
  let other: TestVault

  beforeEach(async () => {
    clock = new FakeClock()
    lines = []
    isAway = false
    log = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) })
    const wrapper: KeyWrapper = {
      ...local,
      unwrap: (text, context) => (isAway ? Promise.reject(away) : local.unwrap(text, context)),
    }
    mine = await openTestVault({ wrapper })
    other = await openTestVault({ store: mine.store })
  })

  it('has a new key before it is needed, and goes on without the one who gave it', async () => {
    await using _ = followKeys(mine.ring, { clock, log })
    await other.ring.replace()
    expect(mine.vault.keyId).not.toBe(other.vault.keyId)
    await clock.advance(15_000)
    isAway = true
    expect(mine.vault.keyId).toBe(other.vault.keyId)
    expect(mine.vault.open(other.vault.seal('text', 'a'), 'a')).toBe('text')
    expect(lines).toEqual([])
  })

  it('says once that a key cannot be had, and takes it as soon as it can', async () => {
    await using _ = followKeys(mine.ring, { clock, log })
    isAway = true
    await other.ring.replace()
    await clock.advance(60_000)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('nobody answers')
    expect(mine.vault.open(mine.vault.seal('text', 'a'), 'a')).toBe('text')
    isAway = false
    await clock.advance(15_000)
    expect(mine.vault.keyId).toBe(other.vault.keyId)
    expect(lines).toHaveLength(1)
  })

  it('looks no more when it is closed, and says nothing of a database that is away', async () => {
    let looks = 0
    const reload = (): Promise<void> => {
      looks++
      return Promise.reject(new GatewayError('storage_unavailable'))
    }
    {
      await using _ = followKeys({ reload }, { clock, log })
      await clock.advance(30_000)
      expect(looks).toBe(2)
    }
    await clock.advance(60_000)
    expect(looks).toBe(2)
    expect([clock.waiting, lines]).toEqual([0, []])
  })
})
