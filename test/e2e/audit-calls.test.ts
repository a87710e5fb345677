/** Who called what, through what, with what, as the management API tells it. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { askModern } from '../support/raw/client.ts'
import { textResult, tool } from '../support/raw/exchange.ts'
import { startRawUpstream } from '../support/raw/http-upstream.ts'
import { until } from '../support/until.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const open = new AsyncDisposableStack()
let gateway: ManagedGateway

beforeAll(async () => {
  const handlers = {
    'tools/list': () => ({ tools: [tool('echo'), tool('hidden')] }),
    'tools/call': () => textResult('done'),
  }
  const [one, two] = [
    open.use(await startRawUpstream(['legacy'], { handlers })),
    open.use(await startRawUpstream(['modern'], { handlers })),
  ]
  gateway = open.use(
    await startManagedGateway({
      servers: { one: { url: one.url, credential: { kind: 'bearer', token: 'canary-of-one' } }, two: { url: two.url } },
      policies: { all: { default: 'execute', rules: [{ tool: 'hidden', level: 'read' }] } },
      tokens: [{ name: 'configured', secret: `tg_${'c'.repeat(40)}`, policies: ['all'] }],
    }),
  )
  const bodies: [path: string, body: object][] = [
    ['/users', { name: 'bot', type: 'service', policies: ['all'] }],
    ['/teams', { name: 'web', members: [], policies: ['all'] }],
    ['/projects', { name: 'site', servers: ['one'] }],
    ['/toolsets', { name: 'few', tools: [{ server: 'two', tool: 'echo' }] }],
    ['/agents', { name: 'helper', servers: [{ server: 'one' }] }],
  ]
  for (const [path, body] of bodies) {
    const made = await gateway.api('POST', path, { body })
    if (made.status !== 201) throw new Error(`${path} answered ${JSON.stringify(made.body)}`)
  }
}, 30_000)
afterAll(() => open.disposeAsync())

const mint = (name: string, kind: 'user' | 'team', ref: string): Promise<string> =>
  gateway.mint({ name, owner: { kind, ref }, policies: ['all'] })

type Asked = { path: string; name: string; args?: object }
const call = (token: string, { path, name, args = {} }: Asked) =>
  askModern({ url: gateway.url + path, token }, { method: 'tools/call', params: { name, arguments: args } })

type Event = Record<string, unknown>
async function eventsOf(filter: string, count = 1): Promise<Event[]> {
  let found: Event[] = []
  await until('it is stored', async () => {
    found = (await gateway.api('GET', `/audit?method=tools/call&${filter}`)).body['events'] as Event[]
    return found.length >= count
  })
  return found
}

describe('the record of a call', () => {
  it('says whose token it was, which of its bearers, what was called and by which name, and how long the server took', async () => {
    const bearer = await mint('bot-token', 'user', 'bot')
    await call(bearer, { path: '/mcp', name: 'one__echo', args: { b: 1, a: 'x' } })
    const [event, ...more] = await eventsOf('tokenName=bot-token')
    expect(more).toEqual([])
    expect(event).toMatchObject({
      kind: 'call',
      principalKind: 'service',
      principalName: 'bot',
      principalId: expect.stringMatching(/^usr_/),
      tokenId: expect.stringMatching(/^tok_/),
      tokenHash: sha256(bearer).slice(0, 12),
      sessionId: '',
      credential: 'bearer',
      project: '',
      toolset: '',
      endpoint: 'aggregate:one,two',
      server: 'one',
      target: 'echo',
      calledAs: 'one__echo',
      effect: 'allow',
      reason: 'default of policy all',
      outcome: 'ok',
      argumentsDigest: sha256('{"a":"x","b":1}'),
      arguments: '',
      result: '',
    })
    const { upstreamMs, durationMs } = event ?? {}
    expect(upstreamMs).toBeGreaterThanOrEqual(0)
    expect(Number(upstreamMs)).toBeLessThanOrEqual(Number(durationMs))
    for (const filter of [
      `tokenHash=${String(event?.['tokenHash'])}`,
      `argumentsDigest=${String(event?.['argumentsDigest'])}`,
      'tokenName=bot-token&credential=bearer',
    ])
      expect(await eventsOf(filter)).toEqual([event])
    expect(JSON.stringify(event)).not.toContain('canary')
  })

  it('says that no server was asked for what was refused', async () => {
    const bearer = await mint('team-token', 'team', 'web')
    await call(bearer, { path: '/two/mcp', name: 'hidden' })
    expect(await eventsOf('principalKind=team')).toMatchObject([
      {
        principalName: 'web',
        effect: 'deny',
        reason: 'rule 0 of policy all',
        upstreamMs: null,
        credential: '',
        calledAs: '',
      },
    ])
  })

  it('tells a token of the configuration from those that people make', async () => {
    await call(`tg_${'c'.repeat(40)}`, { path: '/two/mcp', name: 'echo' })
    expect(await eventsOf('principalKind=configuration')).toMatchObject([{ tokenName: 'configured', outcome: 'ok' }])
  })

  it('says at the address of which project or toolset it was', async () => {
    const bearer = await mint('at-addresses', 'user', 'bot')
    await call(bearer, { path: '/projects/site/mcp', name: 'one__echo' })
    await call(bearer, { path: '/toolset/few/mcp', name: 'two__echo' })
    expect(await eventsOf('project=site')).toMatchObject([{ toolset: '', server: 'one', outcome: 'ok' }])
    expect(await eventsOf('toolset=few')).toMatchObject([{ project: '', server: 'two', outcome: 'ok' }])
  })

  it('says in which session of which agent it was, beside what became of the session', async () => {
    const { body } = await gateway.api('POST', '/sessions', { body: { agent: 'helper' } })
    const { session, harness } = body as {
      session: { id: string }
      harness: { mcp_servers: { url: string; auth_token: string }[] }
    }
    const [spec] = harness.mcp_servers
    await askModern(
      { url: spec?.url ?? '', token: spec?.auth_token ?? '' },
      { method: 'tools/call', params: { name: 'echo', arguments: {} } },
    )
    expect(await eventsOf(`sessionId=${session.id}`)).toMatchObject([
      { principalKind: 'agent', principalName: 'helper', tokenId: '', tokenName: '', tokenHash: '', outcome: 'ok' },
    ])
    const { body: whole } = await gateway.api('GET', `/audit?sessionId=${session.id}`)
    const methods = (whole['events'] as Event[]).map(({ method }) => method)
    expect(methods).toEqual(expect.arrayContaining(['create session', 'tools/call', 'update session']))
  })
})
