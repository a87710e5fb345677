import { describe, expect, it } from 'vitest'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { mintSessionToken } from '#core/session/session-token.ts'
import { mintSignInToken, verifySignInToken } from './sign-in-token.ts'

const secret = (letter: string): Buffer => Buffer.from(letter.repeat(32))
const keys = createSessionKeys({ current: secret('a'), previous: secret('b') })
const now = 1_795_262_400_000
const { text, expiresIn } = mintSignInToken({ userId: 'usr_ann', passwordSetAt: 7 }, { keys, now })

describe('a sign-in token', () => {
  it('says who signed in and when, until it ends', () => {
    const claims = verifySignInToken(text, { keys, now })
    expect(claims).toEqual({ user_id: 'usr_ann', password_set_at: 7, ends_at: now + expiresIn * 1_000 })
    expect(verifySignInToken(text, { keys, now: now + expiresIn * 1_000 - 1 })).not.toBeNull()
    expect(verifySignInToken(text, { keys, now: now + expiresIn * 1_000 })).toBeNull()
  })

  it('is good under the key before, and under no other', () => {
    const later = createSessionKeys({ current: secret('c'), previous: secret('a') })
    const latest = createSessionKeys({ current: secret('d'), previous: secret('c') })
    expect(verifySignInToken(text, { keys: later, now })?.user_id).toBe('usr_ann')
    expect(verifySignInToken(text, { keys: latest, now })).toBeNull()
  })

  it('is no good where any one character was changed', () => {
    for (let index = 0; index < text.length; index++) {
      const other = text[index] === 'x' ? 'y' : 'x'
      expect(verifySignInToken(text.slice(0, index) + other + text.slice(index + 1), { keys, now })).toBeNull()
    }
  })

  it('is no session’s token, nor the other way round', () => {
    const grant = { agentId: 'a', sessionId: 's', run: 1, servers: [], scope: [], endsAt: now + 1_000_000 }
    const session = mintSessionToken('mcp-session', grant, { keys, now }).text
    expect(verifySignInToken(session, { keys, now })).toBeNull()
    expect(verifySignInToken(session.replace('tgs_', 'tgu_'), { keys, now })).toBeNull()
  })

  it.each(['', 'tgu_', 'x'.repeat(1_001), `${text}.`, ` ${text}`])('does not take %j for one', (other) => {
    expect(verifySignInToken(other, { keys, now })).toBeNull()
  })
})
