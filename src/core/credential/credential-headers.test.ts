import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headersOf } from './credential-headers.ts'
import { mergeHeaders } from './header-merge.ts'
import type { StaticCredential as Credential } from './static-credential.ts'

const merged = (credential: Credential, headers: Readonly<Record<string, string>>) =>
  mergeHeaders(headers, headersOf(credential))

const none: Credential = { kind: 'none' }
const bearer: Credential = { kind: 'bearer', token: 's3cret' }

function failureOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('the headers of a credential, and static ones', () => {
  it.each<[string, Credential, string[]]>([
    ['none', none, []],
    ['a bearer', bearer, ['authorization', 'Bearer s3cret']],
    ['an API key', { kind: 'api_key', key: 'k', header: 'x-api-key' }, ['x-api-key', 'k']],
    ['an API key in a header of choice', { kind: 'api_key', key: 'k', header: 'X-Goog-Key' }, ['x-goog-key', 'k']],
    ['an API key as raw Authorization', { kind: 'api_key', key: 'k', header: 'Authorization' }, ['authorization', 'k']],
    [
      'basic',
      { kind: 'basic', username: 'Aladdin', password: 'open sesame' },
      ['authorization', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ],
    [
      'basic in UTF-8',
      { kind: 'basic', username: 'test', password: '123£' },
      ['authorization', 'Basic dGVzdDoxMjPCow=='],
    ],
    ['a token', { kind: 'token', token: 'ghp_x' }, ['authorization', 'token ghp_x']],
    ['Authorization as it is', { kind: 'authorization', value: 'ApiKey a:b' }, ['authorization', 'ApiKey a:b']],
    ['basic without password', { kind: 'basic', username: 'u', password: '' }, ['authorization', 'Basic dTo=']],
  ])('sends %s', (_what, credential, expected) => {
    expect(merged(credential, {})).toEqual(expected)
  })

  it('sends static headers with lower-case names, the credential last', () => {
    expect(merged(bearer, { 'X-Team': 'Platform', cookie: 'a=b' })).toEqual([
      'x-team',
      'Platform',
      'cookie',
      'a=b',
      'authorization',
      'Bearer s3cret',
    ])
  })

  it('sends a header once, whatever its case: the later of two static ones, and the credential above both', () => {
    const headers = { 'X-Api-Key': 'one', 'x-api-key': 'two' }
    expect(merged(none, headers)).toEqual(['x-api-key', 'two'])
    expect(merged({ kind: 'api_key', key: 'three', header: 'X-API-KEY' }, headers)).toEqual(['x-api-key', 'three'])
  })

  it('takes Authorization from a static header if the credential sets none', () => {
    expect(merged(none, { Authorization: 'Custom s3cret' })).toEqual(['authorization', 'Custom s3cret'])
  })

  it.each<Credential>([
    bearer,
    { kind: 'basic', username: 'u', password: 'p' },
    { kind: 'api_key', key: 'k', header: 'AUTHORIZATION' },
    { kind: 'token', token: 't' },
    { kind: 'authorization', value: 'v' },
  ])('refuses two sources of Authorization', (credential) => {
    const error = failureOf(() => merged(credential, { Authorization: 'Custom s3cret' }))
    expect(error).toMatchObject({ code: 'config_invalid', details: { header: 'authorization' } })
  })

  const owned = [
    'Accept',
    'content-type',
    'Content-Length',
    'content-encoding',
    'HOST',
    'Connection',
    'keep-alive',
    'TE',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
    'proxy-authorization',
    'proxy-connection',
    'Last-Event-ID',
    'Mcp-Session-Id',
    'mcp-protocol-version',
    'Mcp-Method',
    'mcp-param-x',
    'Sec-WebSocket-Protocol',
  ]

  it.each(owned)('refuses %s, which the transport sets', (name) => {
    const expected = {
      code: 'config_invalid',
      details: { header: name.toLowerCase(), reason: 'the transport sets it' },
    }
    expect(failureOf(() => merged(none, { [name]: 'v' }))).toMatchObject(expected)
    expect(failureOf(() => merged({ kind: 'api_key', key: 'v', header: name }, {}))).toMatchObject(expected)
  })

  it.each(['s3cret\r\nx-injected: 1', 's3cret\n', '\rs3cret', 's3cret\0', 's3cret\u010d', 's3cret\u2028'])(
    'refuses the value %j without repeating it',
    (value) => {
      const attempts: (() => unknown)[] = [
        () => merged(none, { 'X-Static': value }),
        () => merged({ kind: 'bearer', token: value }, {}),
        () => merged({ kind: 'api_key', key: value, header: 'x-api-key' }, {}),
      ]
      for (const attempt of attempts) {
        const error = failureOf(attempt)
        expect(error).toMatchObject({ code: 'config_invalid' })
        expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('s3cret')
      }
    },
  )

  it.each(['', 'x y', 'x:', 'x\r\ny', 'ü'])('refuses the header name %j', (name) => {
    expect(failureOf(() => merged(none, { [name]: 'v' }))).toMatchObject({ code: 'config_invalid' })
  })

  it('refuses a user name with a colon, because the other side would split elsewhere', () => {
    const credential: Credential = { kind: 'basic', username: 'a:b', password: 'c' }
    expect(failureOf(() => merged(credential, {}))).toMatchObject({ code: 'config_invalid' })
  })

  it('encodes any user and password as RFC 7617 reads them back', () => {
    const username = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes(':'))
    fc.assert(
      fc.property(username, fc.string({ unit: 'grapheme' }), (user, password) => {
        const [, value = ''] = merged({ kind: 'basic', username: user, password }, {})
        expect(Buffer.from(value.slice('Basic '.length), 'base64').toString('utf8')).toBe(`${user}:${password}`)
      }),
    )
  })
})
