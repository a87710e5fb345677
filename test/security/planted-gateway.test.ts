/** What a real gateway says goes by whoever looks for planted secrets, whichever way it leaves: none of it is missed, and there are secrets to be found. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startProgram } from '../support/cli/run-program.ts'
import { startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { bytesSeen, plant, plantsIn, type Seam } from '../support/planted.ts'
import { exchange, openEvents } from '../support/raw-http.ts'
import { openLegacy, openModern } from '../support/raw-client.ts'
import { rawToken, startRawGateway } from '../support/raw-gateway.ts'
import { askModern, LegacySession } from '../support/raw/client.ts'
import { toldServer } from '../support/raw/stdio-server.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { connect, type ClientKind, type Wire } from '../support/sdk-clients.ts'

const startMsMax = 60_000
const nowhere = { url: 'http://127.0.0.1:9/mcp' }
const paths: Record<Wire, string> = { http: '', sse: '/sse', ws: '/ws' }

let upstream: RawUpstream
let gateway: ManagedGateway
let before: Record<Seam, number>

/** How many bytes have gone by at this way out since the test began. */
const since = (seam: Seam): number => bytesSeen()[seam] - before[seam]

beforeAll(async () => {
  upstream = await rawUpstream({ calls: { refused: (x) => x.json({ error: 'no' }, 500) } })
  gateway = await startManagedGateway({
    egress: { allow: ['127.0.0.0/8'] },
    secrets: { kept: plant('kept') },
    servers: {
      remote: { url: upstream.url, credential: { kind: 'bearer', token: plant('bearer') } },
      named: { url: upstream.url, credential: { kind: 'api_key', key: { secretRef: 'kept' } } },
      local: toldServer(),
    },
  })
}, startMsMax)
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  before = bytesSeen()
})

describe('a gateway as a process', { timeout: startMsMax }, () => {
  it('has secrets to keep: two of the configuration, and one more for each server', () => {
    const planted = plantsIn(readFileSync(join(gateway.folder, 'toolgate.yaml')))
    expect(planted.map(({ text }) => text.replace(/-[0-9a-f]{24}$/, '')).toSorted()).toEqual([
      'planted-bearer',
      'planted-env-local',
      'planted-header-named',
      'planted-header-remote',
      'planted-kept',
    ])
    expect(planted.find(({ plant }) => plant.childOf !== null)?.plant.childOf).toBe('local')
  })

  const kinds: [ClientKind, Wire][] = [
    ['v1', 'http'],
    ['v1', 'sse'],
    ['v2 legacy', 'http'],
    ['v2 legacy', 'sse'],
    ['v2 legacy', 'ws'],
    ['v2 modern', 'http'],
  ]
  it.each(kinds)('is heard through the SDK’s client %s over %s', async (kind, wire) => {
    await using client = await connect(kind, wire, { url: `${gateway.url}/mcp${paths[wire]}`, token: gateway.token })
    const { tools } = await client.listTools()
    const answer = JSON.stringify([tools, await client.callTool({ name: 'remote__echo', arguments: {} })])
    // Nothing of an answer can have come in fewer bytes than it has.
    expect(since('connections')).toBeGreaterThan(answer.length)
  })

  it('is heard by hand, and through its management API', async () => {
    const to = { url: `${gateway.url}/mcp/remote`, token: gateway.token }
    const answers: unknown[] = [await askModern(to, { method: 'tools/list' })]
    await using session = await LegacySession.open(to)
    answers.push(await session.ask('tools/call', { name: 'refused' }))
    for (const path of ['/servers', '/servers/remote', '/secrets', '/secrets/kept', '/openapi.json', '/audit'])
      answers.push((await gateway.api('GET', path)).body)
    expect(JSON.stringify(answers)).toContain('"openapi"')
    expect(since('connections')).toBeGreaterThan(JSON.stringify(answers).length)
  })

  it('is heard on its standard output, as are its other commands', async () => {
    await using program = startProgram(['config', 'explain'], { cwd: gateway.folder })
    await program.exited
    expect(program.stdout()).toContain('remote')
    expect(since('output')).toBe(Buffer.byteLength(program.stdout() + program.stderr()))
    expect(since('starts')).toBeGreaterThan(0)
  })

  it('is looked at when it ends: what it has started, and what it leaves', async () => {
    const to = { url: `${gateway.url}/mcp/local`, token: gateway.token }
    expect((await askModern(to, { method: 'tools/call', params: { name: 'pid', arguments: {} } })).result).toBeDefined()
    await gateway[Symbol.asyncDispose]()
    expect(since('files')).toBeGreaterThan(10_000)
    // Elsewhere there is no `/proc` to look at.
    expect(process.platform !== 'linux' || since('processes') > 100).toBe(true)
  })
})

describe('a gateway in this process', () => {
  let opened: AsyncDisposableStack
  beforeEach(() => {
    opened = new AsyncDisposableStack()
  })
  afterEach(() => opened.disposeAsync())

  it('is heard, and so are its troubles and its record', async () => {
    const raw = opened.use(await startRawGateway({ servers: [toServer('one', upstream), toServer('gone', nowhere)] }))
    const streams = await openEvents(`${raw.url}/mcp/sse`, { headers: { authorization: `Bearer ${rawToken('a')}` } })
    opened.defer(() => streams.close())
    await streams.find(({ event }) => event === 'endpoint')
    const client = await openLegacy(raw, { path: '/one/mcp' })
    const texts = [
      streams.text(),
      (await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'refused' } })).text,
      (await openModern(raw, { path: '/one/mcp' }).post('tools/list')).text,
      (await exchange(`${raw.url}/nowhere`)).text,
      (await openModern(raw, { path: '/gone/mcp' }).post('tools/list')).text,
    ]
    expect(since('connections')).toBeGreaterThan(texts.join('').length)
    expect(since('troubles')).toBeGreaterThan(100)
    await raw[Symbol.asyncDispose]()
    expect(since('audit')).toBeGreaterThan(100)
    expect(upstream.seen.some(({ headers }) => String(headers['x-planted']).startsWith('planted-header-one'))).toBe(
      true,
    )
  })
})
