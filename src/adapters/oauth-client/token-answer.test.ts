import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServer, TokenSource, TokenWish } from '#core/credential/oauth-client.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer, type Said } from '#test/support/hostile-authorization-server.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Answer } from './guarded-fetch.ts'
import { createOAuthClient } from './oauth-client.ts'
import { readTokens } from './token-answer.ts'

const now = 1_800_000_000_000
const clock = { now: () => now, after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const nothing: TokenWish = { scopes: null, resource: null, audience: null, extra: {} }
const secret = 'the-client-secret'

let hostile: HostileServer
let server: AuthorizationServer
let source: TokenSource

beforeEach(async () => {
  hostile = await openHostileServer()
  hostile.describe()
  server = await oauth.findServer(hostile.origin)
  source = { server, client: { clientId: 'c', auth: { method: 'client_secret_post', secret } }, timeoutMs: 5_000 }
  hostile.heard.length = 0
})
afterEach(() => hostile[Symbol.asyncDispose]())

const ask = (said: Said) => {
  hostile.say('/token', said)
  return oauth.clientCredentials(source, nothing)
}
const giving = (more: object): Said => ({ json: { access_token: 'planted-token', token_type: 'Bearer', ...more } })

describe('what a token endpoint answers', () => {
  it.each<[string, object, object]>([
    [
      'a token alone',
      {},
      { accessToken: 'planted-token', refreshToken: null, idToken: null, expiresAt: null, scopes: null },
    ],
    [
      'everything',
      { refresh_token: 'r', id_token: 'i', expires_in: 60, scope: 'a b' },
      { refreshToken: 'r', idToken: 'i', expiresAt: now + 60_000, scopes: ['a', 'b'] },
    ],
    ['empty texts', { refresh_token: '', id_token: '' }, { refreshToken: null, idToken: null }],
    [
      'nulls',
      { refresh_token: null, id_token: null, expires_in: null, scope: null },
      { refreshToken: null, idToken: null, expiresAt: null, scopes: null },
    ],
    ['no type', { token_type: undefined }, { accessToken: 'planted-token' }],
    ['a type in any case', { token_type: 'bEaReR' }, { accessToken: 'planted-token' }],
    ['seconds as a text', { expires_in: '3600' }, { expiresAt: now + 3_600_000 }],
    ['parts of seconds', { expires_in: 1.5 }, { expiresAt: now + 1_500 }],
    ['no scope at all', { scope: '' }, { scopes: [] }],
    ['members that nobody knows', { __proto__: null, constructor: 1, other: {} }, { accessToken: 'planted-token' }],
  ])('takes %s', async (_what, more, expected) => {
    expect(await ask(giving(more))).toMatchObject(expected)
  })

  it.each<[string, object, string]>([
    ['no token', { access_token: undefined }, 'invalid_token_answer'],
    ['an empty token', { access_token: '' }, 'invalid_token_answer'],
    ['a token that is no text', { access_token: ['planted-token'] }, 'invalid_token_answer'],
    ['a token with a line break', { access_token: 'planted-token\r\nx-admin: 1' }, 'invalid_token_answer'],
    ['a token with a space', { access_token: 'planted-token x' }, 'invalid_token_answer'],
    ['a token with an umlaut', { access_token: 'planted-tokenä' }, 'invalid_token_answer'],
    ['a token with a NUL', { access_token: 'planted-token\u0000' }, 'invalid_token_answer'],
    ['a token of unheard-of length', { access_token: 'x'.repeat(32_769) }, 'invalid_token_answer'],
    ['a refresh token that is no text', { refresh_token: {} }, 'invalid_token_answer'],
    ['a refresh token with a line break', { refresh_token: 'a\nb' }, 'invalid_token_answer'],
    ['an id token that is no text', { id_token: 1 }, 'invalid_token_answer'],
    ['a token for DPoP', { token_type: 'DPoP' }, 'wrong_token_type'],
    ['a token for MAC', { token_type: 'mac' }, 'wrong_token_type'],
    ['a type that is none', { token_type: 'N_A' }, 'wrong_token_type'],
    ['a type that is no text', { token_type: 1 }, 'invalid_token_answer'],
    ['no seconds', { expires_in: 0 }, 'invalid_token_answer'],
    ['less than a millisecond', { expires_in: 5e-324 }, 'invalid_token_answer'],
    ['fewer seconds than none', { expires_in: -1 }, 'invalid_token_answer'],
    ['seconds in words', { expires_in: 'soon' }, 'invalid_token_answer'],
    ['seconds in an odd notation', { expires_in: '1e9' }, 'invalid_token_answer'],
    ['more seconds than there are', { expires_in: 1e300 }, 'invalid_token_answer'],
    ['seconds that are a list', { expires_in: [60] }, 'invalid_token_answer'],
    ['seconds that are a yes', { expires_in: true }, 'invalid_token_answer'],
    ['scopes that are no text', { scope: ['a'] }, 'invalid_token_answer'],
  ])('takes no answer with %s, and repeats nothing of it', async (_what, more, reason) => {
    const error = await failureOf(ask(giving(more)))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'token' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toMatch(/planted-token|the-client-secret/)
    expect(hostile.seen()).toEqual(['POST /token'])
  })

  it.each<[string, Said, string]>([
    ['a page', { text: '<html>planted-token', headers: { 'content-type': 'text/html' } }, 'not_json'],
    ['a form', { text: 'access_token=planted-token&token_type=bearer' }, 'not_json'],
    ['half of an object', { text: '{"access_token":"planted-token"' }, 'not_json'],
    ['an array', { json: ['planted-token'] }, 'not_json'],
    ['nothing', { text: '' }, 'not_json'],
    ['nothing, and says so', { status: 204 }, 'not_json'],
    ['deep nesting', { text: '['.repeat(1_000_000) }, 'not_json'],
    ['50 MB', { floodBytes: 52_428_800 }, 'too_large'],
    ['a redirect with the request', { status: 307, headers: { location: 'https://169.254.169.254/' } }, 'redirected'],
    ['a page that is not there', { status: 404, text: 'planted-token' }, 'unexpected_status'],
    ['a refusal in no words', { status: 400, json: {} }, 'unexpected_status'],
    ['a refusal that is no text', { status: 400, json: { error: { code: 1 } } }, 'unexpected_status'],
  ])('takes no %s', async (_what, said, reason) => {
    const error = await failureOf(ask(said))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'token' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toContain('planted-token')
    expect(hostile.seen()).toEqual(['POST /token'])
  })

  const words = { error_description: 'planted words', error_uri: 'https://planted.example' }
  it.each<[string, Said, string]>([
    ['a grant that has ended', { status: 400, json: { error: 'invalid_grant', ...words } }, 'invalid_grant'],
    ['a client that it does not know', { status: 401, json: { error: 'invalid_client', ...words } }, 'invalid_client'],
    ['a target', { status: 400, json: { error: 'invalid_target', ...words } }, 'invalid_target'],
    ['something of its own', { status: 400, json: { error: 'planted words', ...words } }, 'refused'],
    ['with a status of 200', { status: 200, json: { error: 'invalid_grant', ...words } }, 'invalid_grant'],
    [
      'with a token beside it',
      { json: { error: 'invalid_grant', access_token: 'planted-token', token_type: 'bearer' } },
      'invalid_grant',
    ],
    ['without a word', { status: 401, text: 'planted words' }, 'refused'],
    ['at the door', { status: 403, text: '<html>planted words' }, 'refused'],
  ])('says in our words what it refuses: %s', async (_what, said, reason) => {
    const error = await failureOf(ask(said))
    expect(error).toMatchObject({ code: 'oauth_refused', details: { reason, step: 'token' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toMatch(/planted/)
  })

  it.each<[string, Said, string]>([
    ['is out of order', { status: 503, json: { error: 'invalid_grant' } }, 'server_unavailable'],
    ['is out of order, in words', { status: 400, json: { error: 'temporarily_unavailable' } }, 'server_unavailable'],
    ['is too busy', { status: 429 }, 'server_unavailable'],
    ['hangs up', { raw: '' }, 'unreachable'],
    ['is silent', { hangs: 'before' }, 'timeout'],
    ['does not end', { hangs: 'within', text: '{' }, 'timeout'],
  ])('may be asked again where it %s', async (_what, said, reason) => {
    source = { ...source, timeoutMs: 300 }
    const error = await failureOf(ask(said))
    expect(error).toMatchObject({
      code: 'credential_unavailable',
      isRetryable: true,
      details: { reason, step: 'token' },
    })
    expect(error.cause).toBeUndefined()
    expect(hostile.seen()).toEqual(['POST /token'])
  })

  it('takes no assertion that is another thing', async () => {
    const wish = { ...nothing, audience: 'https://as.example', subjectToken: 's', subjectTokenType: 't' }
    for (const issued_token_type of [undefined, 'urn:ietf:params:oauth:token-type:access_token']) {
      hostile.say('/token', giving({ token_type: 'N_A', issued_token_type }))
      expect(await failureOf(oauth.issueAssertion(source, wish))).toMatchObject({
        code: 'oauth_server_failed',
        details: { reason: 'invalid_token_answer' },
      })
    }
    hostile.say('/token', giving({ token_type: 'N_A', issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag' }))
    expect(await oauth.issueAssertion(source, wish)).toBe('planted-token')
  })
})

describe('readTokens', () => {
  it('makes of any answer tokens that fit in a header, or a failure in our words', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('Bearer', 'invalid_grant', 'a', '', '60'), fc.jsonValue())
    const member = fc.constantFrom(
      'access_token',
      'refresh_token',
      'id_token',
      'token_type',
      'expires_in',
      'scope',
      'error',
    )
    const answer = fc.record({
      status: fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 999 })),
      contentType: fc.string(),
      text: fc.oneof(
        fc.dictionary(member, word).map((body) => JSON.stringify({ access_token: 't', ...body })),
        fc.json(),
        fc.string(),
      ),
    })
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(answer, (given) => {
        const outcome = outcomeOf(given)
        outcomes.add(outcome)
        expect(outcome).toMatch(/^(?:good|[a-z]+(?:_[a-z]+)*: [a-z_]+)$/)
      }),
      { numRuns: 1_000 },
    )
    expect([...outcomes]).toContain('good')
  })
})

function outcomeOf(answer: Answer): string {
  try {
    const { accessToken, refreshToken, idToken, expiresAt } = readTokens(answer, now)
    const fits = [accessToken, refreshToken ?? 'x', idToken ?? 'x'].every((token) => /^[\x21-\x7e]+$/.test(token))
    return fits && (expiresAt ?? now + 1) > now
      ? 'good'
      : JSON.stringify({ accessToken, refreshToken, idToken, expiresAt })
  } catch (error) {
    return error instanceof GatewayError ? `${error.code}: ${String(error.details['reason'])}` : String(error)
  }
}

describe('revocation', () => {
  const revoke = (said: Said) => {
    hostile.say('/revoke', said)
    return oauth.revoke(source, { text: 'planted-token', hint: 'refresh_token' })
  }

  it('is done whatever the body of a success is', async () => {
    await revoke({ text: 'ok' })
    expect(hostile.heard[0]?.body).toBe(
      'token=planted-token&token_type_hint=refresh_token&client_id=c&client_secret=the-client-secret',
    )
  })

  it.each<[Said, string, string]>([
    [{ status: 400, json: { error: 'unsupported_token_type' } }, 'oauth_refused', 'unsupported_token_type'],
    [{ status: 503 }, 'credential_unavailable', 'server_unavailable'],
    [{ status: 404 }, 'oauth_server_failed', 'unexpected_status'],
    [{ status: 302, headers: { location: 'https://as.example' } }, 'oauth_server_failed', 'redirected'],
  ])('says that it was not done: %j', async (said, code, reason) => {
    const error = await failureOf(revoke(said))
    expect(error).toMatchObject({ code, details: { reason, step: 'revocation' } })
    expect(JSON.stringify([error, error.stack])).not.toContain('planted-token')
  })
})
