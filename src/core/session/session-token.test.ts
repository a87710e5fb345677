import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import type { SessionKeys } from './session-keys.ts'
import {
  brokerScope,
  mintSessionToken,
  refreshSessionToken,
  verifySessionToken,
  type SessionClaims,
  type TokenGrant,
  type TokenPurpose,
} from './session-token.ts'

const now = 1_795_262_400_000
const hour = 3_600_000
const secret = (letter: string): Buffer => Buffer.from(letter.repeat(32))
const keys = createSessionKeys({ current: secret('a'), previous: secret('b') })
const grant: TokenGrant = {
  agentId: 'agt_1',
  sessionId: 'ses_1',
  run: 1,
  servers: ['srv_1', 'cfg_server_two'],
  scope: [brokerScope],
  endsAt: now + 48 * hour,
}
const mint = (purpose: TokenPurpose, more: Partial<TokenGrant> = {}, by: SessionKeys = keys) =>
  mintSessionToken(purpose, { ...grant, ...more }, { keys: by, now })
const verify = (text: string, more: { at?: number; agentId?: string; scope?: string; by?: SessionKeys } = {}) => {
  const { at = now, by = keys, scope = brokerScope, agentId } = more
  return verifySessionToken(
    text,
    { kind: 'access', scope, ...(agentId === undefined ? {} : { agentId }) },
    { keys: by, now: at },
  )
}

/** Signs whatever it is given, as nobody but the gateway can. */
function sign(claims: unknown, key = keys.current): string {
  const signed = `tgs_${key.id}_${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${key.sign(signed)}`
}

const claims: SessionClaims = {
  kind: 'access',
  purpose: 'mcp-session',
  agent_id: 'agt_1',
  session_id: 'ses_1',
  run: 1,
  servers: ['srv_1'],
  scope: ['mcp'],
  iat: now / 1_000,
  exp: now / 1_000 + 60,
}

describe('a session token', () => {
  it('gives back what it was made for', () => {
    expect(verify(mint('mcp-session').text)).toEqual({
      claims: {
        ...claims,
        servers: grant.servers,
        exp: now / 1_000 + 86_400,
      },
    })
  })

  it('has the form that is published for secret scanners', () => {
    expect(mint('mcp-session').text).toMatch(/^tgs_[0-9a-f]{8}_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/)
  })

  it('lives as long as its purpose says, and never longer than its session', () => {
    const lives = (['mcp-session', 'tool-callback', 'refresh'] as const).map((purpose) => [
      mint(purpose).expiresIn,
      mint(purpose, { endsAt: now + 600_000 }).expiresIn,
    ])
    expect(lives).toEqual([
      [86_400, 600],
      [900, 600],
      [86_400, 600],
    ])
  })

  it('is expired in the very second that it names', () => {
    const { text } = mint('tool-callback')
    expect(verify(text, { at: now + 899_999 })).toHaveProperty('claims')
    expect(verify(text, { at: now + 900_000 })).toEqual({ fault: 'expired' })
  })

  it('is taken of the previous key as well, and of no other', () => {
    const before = createSessionKeys({ current: secret('b'), previous: null })
    const other = createSessionKeys({ current: secret('c'), previous: null })
    expect(verify(mint('mcp-session', {}, before).text)).toHaveProperty('claims')
    expect(verify(mint('mcp-session', {}, other).text)).toEqual({ fault: 'bad_signature' })
    expect(verify(mint('mcp-session').text, { by: before })).toEqual({ fault: 'bad_signature' })
  })

  it('is not taken under the name of another key', () => {
    const { text } = mint('mcp-session')
    const renamed = text.replace(keys.current.id, String(keys.previous?.id))
    expect(verify(renamed)).toEqual({ fault: 'bad_signature' })
  })

  it('is refused with any one character changed', () => {
    const { text } = mint('mcp-session')
    for (let index = 0; index < text.length; index++) {
      const changed = text.slice(0, index) + (text[index] === 'x' ? 'y' : 'x') + text.slice(index + 1)
      expect(verify(changed)).toHaveProperty('fault')
    }
  })

  it.each([
    ['nothing', ''],
    ['no dot', 'tgs_00000000_e30'],
    ['no claims', `tgs_00000000_.${'A'.repeat(43)}`],
    ['no MAC', 'tgs_00000000_e30.'],
    ['only a dot', '.'],
    ['another prefix', `tg_00000000_e30.${'A'.repeat(43)}`],
    ['a key id in capitals', `tgs_0000000A_e30.${'A'.repeat(43)}`],
    ['characters that base64url lacks', `tgs_00000000_e3+0.${'A'.repeat(43)}`],
    ['a JWT', 'eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.'],
    ['too much', `tgs_00000000_${'A'.repeat(30_000)}.${'A'.repeat(43)}`],
  ])('is malformed with %s', (_what, text) => {
    expect(verify(text)).toEqual({ fault: 'malformed' })
  })

  it('is not looked into before its MAC is right', () => {
    const { text } = mint('mcp-session')
    const expired = sign({ ...claims, exp: 0 })
    const [body = ''] = expired.split('.')
    expect(verify(`${body}.${text.split('.')[1]}`)).toEqual({ fault: 'bad_signature' })
  })

  it.each([
    ['kind', [undefined, null, 'admin', 'refresh', 1]],
    ['purpose', [undefined, null, 'toString', 'refresh', 1]],
    ['agent_id', [undefined, null, '', 1, ['agt_1']]],
    ['session_id', [undefined, null, '', 1, {}]],
    ['run', [undefined, null, '1', 1.5, Number.MAX_VALUE]],
    ['servers', [undefined, null, 'srv_1', {}, [1], [''], [null]]],
    ['scope', [undefined, null, 'mcp', {}, [1], ['']]],
    ['iat', [undefined, null, '1', true]],
    ['exp', [undefined, null, '9999999999', true, {}]],
  ] as const)('is malformed when its %s is missing or of another type, though it is signed', (name, values) => {
    for (const value of values) expect(verify(sign({ ...claims, [name]: value }))).toEqual({ fault: 'malformed' })
  })

  it.each([[null], [[]], ['text'], [1]])('is malformed when what is signed is %j', (value) => {
    expect(verify(sign(value))).toEqual({ fault: 'malformed' })
  })

  it.each([
    ['expired', { ...claims, exp: now / 1_000, kind: 'refresh', purpose: 'refresh', scope: [] }],
    ['wrong_kind', { ...claims, kind: 'refresh', purpose: 'refresh', agent_id: 'agt_2', scope: [] }],
    ['wrong_agent', { ...claims, agent_id: 'agt_2', scope: [] }],
    ['missing_scope', { ...claims, scope: ['memory'] }],
  ])('tells the first thing that is wrong: %s', (fault, wrong) => {
    expect(verify(sign(wrong), { agentId: 'agt_1' })).toEqual({ fault })
  })

  it('survives whatever anybody sends', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `tgs_${keys.current.id}_${text}.${text}`),
        ),
        (text) => {
          expect(verify(text)).toHaveProperty('fault')
        },
      ),
    )
  })
})

describe('refreshSessionToken', () => {
  const refresh = (text: string, at = now) => refreshSessionToken(text, { keys, now: at })

  it('gives a short-lived token for exactly what the refresh token says', () => {
    const fresh = refresh(mint('refresh').text)
    expect(fresh?.expiresIn).toBe(900)
    expect(verify(fresh?.text ?? '')).toEqual({
      claims: { ...claims, purpose: 'tool-callback', servers: grant.servers, exp: now / 1_000 + 900 },
    })
  })

  it('gives none that outlives the refresh token', () => {
    const { text, expiresIn } = mint('refresh')
    const late = now + expiresIn * 1_000 - 60_000
    expect(refresh(text, late)?.expiresIn).toBe(60)
    expect(refresh(text, now + expiresIn * 1_000)).toBeNull()
  })

  it('does not widen the scope', () => {
    const fresh = refresh(mint('refresh', { scope: ['memory'] }).text)
    expect(verify(fresh?.text ?? '')).toEqual({ fault: 'missing_scope' })
  })

  it('takes no access token, and an access token is not refreshed by itself', () => {
    expect(refresh(mint('mcp-session').text)).toBeNull()
    expect(refresh(mint('tool-callback').text)).toBeNull()
    expect(refresh('garbage')).toBeNull()
  })

  it('is not taken where an access token is wanted', () => {
    expect(verify(mint('refresh').text)).toEqual({ fault: 'wrong_kind' })
  })
})
