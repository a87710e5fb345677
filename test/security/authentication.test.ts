/** Who is not known gets one answer, whatever is wrong, and costs next to nothing. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import { identify } from '#gateway/identify.ts'
import { both, initialize } from '../support/raw-client.ts'
import { rawToken, startRawGateway, toSnapshot, type RawGateway } from '../support/raw-gateway.ts'
import { bodyOf, exchange, open, say, statusOf } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const good = rawToken('a')
const minted = mintToken().raw

/** What an Authorization header may look like that names nobody. */
const strangers: readonly (readonly [string, string | null])[] = [
  ['missing', null],
  ['empty', ''],
  ['a scheme alone', 'Bearer'],
  ['a scheme and a space', 'Bearer '],
  ['no scheme', good],
  ['another scheme', `Basic ${good}`],
  ['another scheme around it', `Basic ${Buffer.from(`a:${good}`).toString('base64')}`],
  ['a tab for the space', `Bearer\t${good}`],
  ['something behind it', `Bearer ${good} x`],
  ['a comma behind it', `Bearer ${good},`],
  ['two of them', `Bearer ${good}, Bearer ${good}`],
  ['a parameter', `Bearer token="${good}"`],
  ['quoted', `Bearer "${good}"`],
  ['cut by one', `Bearer ${good.slice(0, -1)}`],
  ['one more', `Bearer ${good}a`],
  ['another case', `Bearer ${good.toUpperCase()}`],
  ['another prefix', `Bearer tk_${good.slice(3)}`],
  ['an unknown one', `Bearer ${rawToken('z')}`],
  ['minted, and unknown', `Bearer ${minted}`],
  ['minted, with a wrong checksum', `Bearer ${minted.slice(0, -1)}${minted.endsWith('0') ? '1' : '0'}`],
  ['its own hash', `Bearer ${hashToken(good)}`],
  ['its own hash as a token', `Bearer tg_${hashToken(good)}`],
  ['too short', 'Bearer tg_short'],
  ['too long', `Bearer tg_${'a'.repeat(10_000)}`],
  ['of other characters', `Bearer tg_${'ä'.repeat(40)}`],
  ['a name of Object', 'Bearer __proto__'],
  ['SQL', `Bearer tg_' OR '1'='1' --${'a'.repeat(20)}`],
  ['expired', `Bearer ${rawToken('e')}`],
]

let upstream: RawUpstream
let gateway: RawGateway

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startRawGateway({
    servers: [toServer('one', upstream)],
    tokens: { a: ['everything'], e: ['everything'], n: [] },
    expiries: { e: Date.now() - 1 },
  })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

const plain = ({ status, headers, text }: Awaited<ReturnType<typeof exchange>>): unknown => ({
  status,
  challenge: headers['www-authenticate'],
  text: text.replaceAll(/req_[\w-]+/g, 'req'),
})

describe('a request whose Authorization is', () => {
  it.for(strangers)('%s gets the one answer', async ([, authorization]) => {
    const headers = {
      ...both,
      ...(authorization === null ? {} : { authorization: Buffer.from(authorization).toString('latin1') }),
    }
    const doors: readonly (readonly [string, string])[] = [
      ['POST', '/mcp'],
      ['GET', '/mcp'],
      ['DELETE', '/mcp'],
      ['PUT', '/mcp'],
      ['POST', '/one/mcp'],
      ['POST', '/mcp/nobody'],
      ['GET', '/mcp/sse'],
      ['POST', '/mcp/messages?sessionId=x'],
    ]
    const reference = plain(await exchange(`${gateway.url}/mcp`, { method: 'POST', headers: both }))
    for (const [method, path] of doors) {
      const body = method === 'POST' ? JSON.stringify(initialize()) : undefined
      const answer = await exchange(gateway.url + path, { method, headers, ...(body === undefined ? {} : { body }) })
      expect(plain(answer)).toEqual(reference)
    }
    expect(reference).toMatchObject({ status: 401, challenge: 'Bearer realm="toolgate", error="invalid_token"' })
    expect(upstream.connectionsInAll).toBe(0)
  })

  it('sent twice on the wire gets the same answer, in whatever order', async () => {
    for (const [first, second] of [
      [good, good],
      [good, rawToken('z')],
      [rawToken('z'), good],
    ]) {
      const lines = [
        'POST /mcp HTTP/1.1',
        'Host: localhost',
        `Authorization: Bearer ${first}`,
        `Authorization: Bearer ${second}`,
      ]
      const text = await say(gateway.port, `${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
      expect(statusOf(text)).toBe(401)
      expect(bodyOf(text)['error'].data.code).toBe('unauthorized')
    }
  })

  it('right, is taken with any case of the scheme and more than one space', async () => {
    for (const authorization of [`bearer ${good}`, `BEARER   ${good}`, `Bearer ${good}`]) {
      const answer = await exchange(`${gateway.url}/mcp`, {
        method: 'POST',
        headers: { ...both, authorization },
        body: JSON.stringify(initialize()),
      })
      expect(answer.status).toBe(200)
    }
  })

  it('wrong, leaves an audit event without a token in it', async () => {
    const events = (await gateway.audit()).filter(({ kind }) => kind === 'auth_failure')
    expect(events.length).toBeGreaterThan(100)
    const text = JSON.stringify(events)
    for (const secret of [good, rawToken('e'), rawToken('z'), minted]) expect(text).not.toContain(secret)
    for (const event of events) expect(event).toMatchObject({ tokenId: '', effect: 'deny', outcome: 'unauthorized' })
  })
})

describe('looking a token up', () => {
  const { identities } = toSnapshot({ servers: [], tokens: { a: ['everything'] } })
  const countingHash = () => {
    const counter = { hashed: 0 }
    const hash = (text: string): string => {
      counter.hashed++
      return hashToken(text)
    }
    return { counter, hash }
  }

  it('starts only when its form is right: nothing is hashed before', () => {
    const wrongForms = strangers.filter(
      ([name]) => !/unknown|expired|one more|cut by one|its own hash as a token/.test(name),
    )
    expect(wrongForms.length).toBeGreaterThan(15)
    for (const [, authorization] of wrongForms) {
      const { counter, hash } = countingHash()
      expect(() => identify(authorization ?? undefined, identities, { now: 0, hash })).toThrow(
        'A valid token is required',
      )
      expect(counter.hashed).toBe(0)
    }
  })

  it('hashes once, and finds who it is', () => {
    const { counter, hash } = countingHash()
    expect(identify(`Bearer ${good}`, identities, { now: 0, hash }).tokenName).toBe('a')
    expect(counter.hashed).toBe(1)
  })
})

describe('a token that grants nothing', () => {
  it('is known, sees nothing, and reaches nothing', async () => {
    const headers = { ...both, authorization: `Bearer ${rawToken('n')}` }
    const answer = await exchange(`${gateway.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(initialize()) })
    expect(answer.status).toBe(200)
    expect(upstream.count('tools/list')).toBe(0)
  })
})

describe('a token that expires', () => {
  it('ends what was opened with it', async () => {
    await using house = await startRawGateway({
      servers: [toServer('one', upstream)],
      tokens: { a: ['everything'] },
      expiries: { a: Date.now() + 300 },
    })
    const headers = { ...both, authorization: `Bearer ${good}` }
    const opened = await exchange(`${house.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(initialize()) })
    const session = String(opened.headers['mcp-session-id'])
    const stream = await open(`${house.url}/mcp`, { headers: { ...headers, 'mcp-session-id': session } })
    expect(stream.statusCode).toBe(200)
    stream.resume()
    await new Promise((resolve) => stream.once('close', resolve))
    const after = await exchange(`${house.url}/mcp`, {
      method: 'POST',
      headers: { ...headers, 'mcp-session-id': session },
      body: '{}',
    })
    expect(after.status).toBe(401)
    expect(house.engine.counts.sessions).toBe(0)
  })
})
