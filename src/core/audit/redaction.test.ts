import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRedaction } from './redaction.ts'

const own = ['kn0wn-Secret/Value+1', 'another "quoted" secret', 'pässwörd-mit-ümlaut']
const redact = createRedaction({ bytesMax: 4_096, secrets: () => own })

const canary = 'cAnArY7f3a'

describe('words that are secret', () => {
  const words = new Set(['tok.en/of~user-1==', 'opaque0123'])
  const hideWords = createRedaction({ bytesMax: 4_096, secrets: () => [], words: () => words })

  it.each([
    ['tok.en/of~user-1==', '[redacted]'],
    ['it is opaque0123, and more', 'it is [redacted], and more'],
    ['https://a.example/?k=opaque0123&x=1', 'https://a.example/?k=[redacted]&x=1'],
    ['{"a":"opaque0123"}', '{"a":"[redacted]"}'],
    ['opaque01234 stays', 'opaque01234 stays'],
  ])('are found in %j', (text, expected) => {
    expect(JSON.parse(hideWords(text))).toBe(expected)
  })
})

describe('createRedaction', () => {
  it('keeps what is not secret as it is', () => {
    const value = {
      path: '/tmp/a.txt',
      limit: 3,
      deep: [{ on: true, off: null, text: 'é "x" \n' }],
      max_tokens: 5,
      monkey: 'cheese',
      spin: 'up',
    }
    expect(JSON.parse(redact(value))).toEqual(value)
  })

  it.each([
    'password',
    'Password',
    'db_password',
    'user-pwd',
    'token',
    'access_token',
    'idToken',
    'client_secret',
    'api_key',
    'apiKey',
    'X-API-Key',
    'Authorization',
    'proxy-authorization',
    'Cookie',
    'set-cookie',
    'private_key',
    'aws.secret.access.key',
    'credentials',
    'passphrase',
    'tokens',
    'PIN',
  ])('leaves out what is called %s, whatever it holds and however deep it is', (name) => {
    for (const held of [canary, [canary], { any: canary }, 12_345_678])
      expect(redact({ a: [{ b: { [name]: held } }] })).toBe(`{"a":[{"b":{"${name}":"[redacted]"}}]}`)
  })

  it.each([
    `Bearer ${canary}`,
    `authorization: Basic ${canary}`,
    `curl -H 'X-Api-Key: ${canary}' https://example.com`,
    `https://user:${canary}@example.com/x`,
    `postgres://${canary}@db/x`,
    `https://example.com/x?access_token=${canary}&y=1`,
    `mysql --password=${canary}`,
    `mysql --password ${canary}`,
    `{"password": "${canary}", "broken"`,
    `{"nested": {"api_key": "${canary}"}}`,
    `[{"token": "${canary}"}]`,
    `{"inner": "{\\"password\\":\\"${canary}\\"}"}`,
    `tg_${canary.repeat(4)}`,
    `x tgs_0123abcd_${canary}${canary}.${canary} y`,
    `eyJhbGciOiJIUzI1NiJ9.${canary}.${canary}`,
    `ghp_${canary}${canary}`,
    `sk-${canary}${canary}`,
    `-----BEGIN RSA PRIVATE KEY-----\n${canary}\n-----END RSA PRIVATE KEY-----`,
  ])('leaves the secret out of the text %s', (text) => {
    const kept = redact({ command: text, [text]: 1 })
    expect(kept).not.toContain(canary)
    expect(kept).toContain('[redacted]')
  })

  it('finds secrets that it is told of, wherever they stand and however they are written', () => {
    const embed = fc.tuple(fc.constantFrom(...own), fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }))
    const inBase64 = (text: string): string => Buffer.from(text).toString('base64')
    const inBase64Url = (text: string): string => Buffer.from(text).toString('base64url')
    fc.assert(
      fc.property(embed, fc.integer({ min: 0, max: 8 }), ([secret, before, after], depth) => {
        const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret)]
        let value: unknown = { [before + secret]: forms.map((form) => before + form + after) }
        for (let level = 0; level < depth; level++) value = [{ x: value }]
        const kept = redact(value)
        for (const form of forms) expect(kept).not.toContain(form)
        const ascii = before.replaceAll(/[^a-z]/g, '')
        for (const encode of [inBase64, inBase64Url]) {
          const encoded = redact({ x: encode(`${ascii}:${secret}:${ascii}`) })
          expect(encoded).toContain('[redacted]')
          expect(encoded).not.toContain(encode(secret).slice(4, -4))
        }
      }),
    )
  })

  it('looks for the secrets of the moment', () => {
    let secrets = ['first-secret']
    const changing = createRedaction({ bytesMax: 100, secrets: () => secrets })
    expect(changing('first-secret second-secret')).toBe('"[redacted] second-secret"')
    secrets = ['second-secret']
    expect(changing('first-secret second-secret')).toBe('"first-secret [redacted]"')
  })

  it('finds what stands behind a word that is a secret itself, and more of it where two overlap', () => {
    const odd = createRedaction({ bytesMax: 200, secrets: () => ['Bearer', 'password', 'token=abc def'] })
    expect(odd(`Bearer ${canary} password: ${canary}`)).not.toContain(canary)
    expect(odd('token=abc def ghi')).toBe('"[redacted] ghi"')
  })

  it('does not look for what is too short to be one', () => {
    expect(createRedaction({ bytesMax: 100, secrets: () => ['', 'a', 'true'] })('a true b')).toBe('"a true b"')
  })

  it('cuts what is too long, after it has looked for secrets, and leaves whole characters', () => {
    const short = createRedaction({ bytesMax: 40, secrets: () => own })
    for (let before = 0; before < 45; before++) {
      const kept = short({ t: `${'é'.repeat(before)}${own[0]}${'😀'.repeat(30)}` })
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(40)
      expect(kept.isWellFormed()).toBe(true)
      expect(kept).not.toContain('kn0wn')
      expect(kept.endsWith('…')).toBe(true)
    }
  })

  it('takes what is large no longer than it must', () => {
    const rows = Array.from({ length: 200_000 }, (_, index) => ({ index, text: 'x'.repeat(50) }))
    const startedAt = performance.now()
    expect(Buffer.byteLength(redact({ rows, text: 'y'.repeat(30_000_000) }))).toBe(4_096)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it.each([
    'Bearer '.repeat(2_000),
    'password '.repeat(2_000),
    'eyJ'.repeat(5_000),
    'a'.repeat(12_000),
    'a-'.repeat(6_000),
    'http://'.repeat(2_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(500),
    '['.repeat(6_000),
  ])('is not kept busy by what was made for that: %.20s', (text) => {
    const startedAt = performance.now()
    redact({ text })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
