import { SignatureV4 } from '@smithy/signature-v4'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AwsCredentials } from '#core/credential/aws-credentials.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { NodeSha256 } from '#test/support/node-sha256.ts'
import { createSigV4, type SigV4Target } from './sigv4.ts'

type Signable = Pick<WireRequest, 'method' | 'headers' | 'body'>

/** Key, time and host of AWS's own examples. */
const keys: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
  expiresAt: null,
}
const time = Date.UTC(2015, 7, 30, 12, 36)
const target: SigV4Target = { host: 'example.amazonaws.com', path: '/', region: 'us-east-1', service: 'service' }
const get: Signable = { method: 'GET', headers: [] }

function signed(request: Signable, more: Partial<SigV4Target> = {}, credentials = keys): Map<string, string> {
  const flat = createSigV4({ ...target, ...more }, new FakeClock(time))(request, credentials)
  return new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])))
}

function signatureOf(headers: ReadonlyMap<string, string>): string {
  return headers.get('authorization')?.split('Signature=')[1] ?? ''
}

/** Of AWS's example of temporary keys. */
const sessionToken =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='

describe('createSigV4', () => {
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const unreserved = `-._~${letters}`

  // Requests and signatures of the test suite that AWS publishes with its description of Signature Version 4.
  it.each([
    ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    ['get-unreserved', 'GET', `/${unreserved}`, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'],
    ['get-utf8', 'GET', '/ሴ', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    ['get-space', 'GET', '/example space/', '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741'],
    ['get-relative', 'GET', '/example/..', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-slash', 'GET', '//', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-slashes', 'GET', '//example//', '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84'],
    [
      'get-slash-pointless-dot',
      'GET',
      '/./example',
      'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
    ],
    ['empty-query-key', 'GET', '/?Param1=value1', 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb'],
    [
      'order-key',
      'GET',
      '/?Param1=value2&Param1=Value1',
      'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
    ],
    [
      'order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'order-value',
      'GET',
      '/?Param1=value2&Param1=value1',
      '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
    ],
    [
      'query-unreserved',
      'GET',
      `/?${unreserved}=${unreserved}`,
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
    ['utf8-query', 'GET', '/?ሴ=bar', '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04'],
    ['post-query', 'POST', '/?Param1=value1', '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11'],
  ] as const)('signs as AWS does: %s', (...[, method, path, signature]) => {
    expect(signatureOf(signed({ method, headers: [] }, { path }))).toBe(signature)
  })

  it('says who signed what, and when', () => {
    expect(Object.fromEntries(signed(get))).toEqual({
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
      'x-amz-date': '20150830T123600Z',
    })
  })

  it('signs the body and its type', () => {
    const headers = ['content-type', 'application/x-www-form-urlencoded']
    const signature = 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a'
    for (const body of ['Param1=value1', Buffer.from('Param1=value1')])
      expect(signatureOf(signed({ method: 'POST', headers, body }))).toBe(signature)
    expect(signatureOf(signed({ method: 'POST', headers, body: 'Param1=value2' }))).not.toBe(signature)
  })

  it('sends and signs the token of temporary keys', () => {
    const headers = signed({ method: 'POST', headers: [] }, {}, { ...keys, sessionToken })
    expect(headers.get('x-amz-security-token')).toBe(sessionToken)
    expect(headers.get('authorization')).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,')
    expect(signatureOf(headers)).toBe('85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead')
  })

  it('leaves headers alone that others may change', () => {
    const headers = ['accept', 'application/json', 'mcp-session-id', 's', 'traceparent', 't', 'x-team', 'a']
    expect(signatureOf(signed({ ...get, headers }))).toBe(signatureOf(signed(get)))
  })

  it('signs what is AWS’s own, once, and with single spaces', () => {
    const twice = signed({ ...get, headers: ['x-amz-b', '1', 'x-amz-a', ' x   y ', 'x-amz-b', '2'] })
    expect(twice.get('authorization')).toContain('SignedHeaders=host;x-amz-a;x-amz-b;x-amz-date,')
    expect(signatureOf(twice)).toBe(signatureOf(signed({ ...get, headers: ['x-amz-a', 'x y', 'x-amz-b', '1,2'] })))
  })

  it('takes another key when the day is another, or the secret', async () => {
    const clock = new FakeClock(Date.UTC(2015, 7, 30, 23, 59, 59))
    const sign = createSigV4(target, clock)
    const before = sign(get, keys).join(' ')
    expect(sign(get, { ...keys, secretAccessKey: 'another' }).join(' ')).not.toBe(before)
    expect(sign(get, keys).join(' ')).toBe(before)
    await clock.advance(1_000)
    const after = sign(get, keys).join(' ')
    expect(after).toContain('AKIDEXAMPLE/20150831/')
    expect(after).toBe(createSigV4(target, clock)(get, keys).join(' '))
  })

  it('signs as the SDK of AWS does, whatever is sent', async () => {
    const letter = fc.constantFrom('a', 'Z', '0', '-', '.', '_', '~', ' ', '/', 'é', '%', '+', '&', '=', '@', ':')
    const part = fc.string({ unit: letter, minLength: 1, maxLength: 8 }).filter((text) => !/^\.+$/.test(text))
    const request = fc.record({
      segments: fc.array(part, { maxLength: 4 }),
      query: fc.dictionary(part, part, { maxKeys: 4 }),
      body: fc.string({ unit: 'grapheme' }),
      token: fc.option(fc.stringMatching(/^[A-Za-z0-9+/]{1,40}={0,2}$/), { nil: null }),
      method: fc.constantFrom('POST', 'GET', 'DELETE'),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ segments, query, body, token, method }) => {
        const path = `/${segments.map((text) => encodeURIComponent(text)).join('/')}`
        const search = new URLSearchParams(query).toString().replaceAll('+', '%20')
        const credentials = { ...keys, sessionToken: token }
        const headers = ['content-type', 'application/json', 'x-amz-meta', 'a  b']
        const ours = signed(
          { method, headers, body },
          { path: search === '' ? path : `${path}?${search}` },
          credentials,
        )
        const theirs = await sdkSignature({ method, path, query, body }, credentials)
        expect(ours.get('authorization')).toBe(theirs)
      }),
      { numRuns: 200 },
    )
  })
})

type SdkRequest = { method: string; path: string; query: Record<string, string>; body: string }

function sdkSignature(
  request: SdkRequest,
  { sessionToken, ...credentials }: AwsCredentials,
): Promise<string | undefined> {
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(sessionToken !== null && { sessionToken }),
    },
    region: target.region,
    service: target.service,
    sha256: NodeSha256,
    applyChecksum: false,
  })
  const headers = { host: target.host, 'content-type': 'application/json', 'x-amz-meta': 'a  b' }
  return signer
    .sign({ ...request, protocol: 'https:', hostname: target.host, headers }, { signingDate: new Date(time) })
    .then((result) => result.headers['authorization'])
}
