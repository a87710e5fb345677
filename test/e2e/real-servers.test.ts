/** The three servers that npm delivers, behind one gateway: what comes through it is what they say themselves. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { fillFolder, filesystemServer, memoryServer, startEverything } from '../support/real-servers.ts'
import { connect, connectStdio, type ClientKind, type McpClient, type Wire } from '../support/sdk-clients.ts'
import { tokenFor } from '../support/tokens.ts'

const token = tokenFor('real')
const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let files: string
/** What the servers answer when they are asked directly. */
let direct: Record<string, unknown>

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-real-'))
  open.defer(() => rm(folder, { recursive: true, force: true }))
  const filled = await fillFolder(folder)
  files = filled.files
  const everything = open.use(await startEverything())
  const servers = {
    everything: { url: everything.url, labels: ['demo'] },
    files: filesystemServer(files),
    memory: { ...memoryServer(filled.graph), aliases: ['brain'] },
  }
  const tokens = [{ name: 'real', secret: token, policies: ['all'] }]
  gateway = open.use(await startGateway({ servers, tokens, policies: { all: { default: 'execute' } } }))
  const [http, stdioFiles, stdioMemory] = await Promise.all([
    connect('v2 legacy', 'http', { url: everything.url, token: null }),
    connectStdio(filesystemServer(files)),
    connectStdio(memoryServer(filled.otherGraph)),
  ])
  await using one = http
  await using two = stdioFiles
  await using three = stdioMemory
  direct = await everythingFrom({ everything: one, files: two, memory: three }, () => (name) => name)
}, 60_000)

afterAll(() => open.disposeAsync())

type Source = { everything: McpClient; files: McpClient; memory: McpClient }
type Naming = (server: string) => (name: string) => string

/** Asks each server for one of everything that it has. */
async function everythingFrom(source: Source, naming: Naming): Promise<Record<string, unknown>> {
  const [everything, file, memory] = [naming('everything'), naming('files'), naming('memory')]
  const document = 'demo://resource/static/document/architecture.md'
  const ref = { type: 'ref/prompt' as const, name: everything('completable-prompt') }
  const greeting = { path: join(files, 'greeting.txt') }
  const values = await Promise.all([
    source.everything.callTool({ name: everything('echo'), arguments: { message: 'Grüß Gott' } }),
    source.everything.callTool({ name: everything('get-structured-content'), arguments: { location: 'Chicago' } }),
    source.everything.callTool({ name: everything('get-tiny-image'), arguments: {} }),
    source.everything.callTool({ name: everything('get-resource-links'), arguments: { count: 2 } }),
    source.everything.readResource({ uri: isPrefixed(everything) ? `toolgate://everything/${document}` : document }),
    source.everything.getPrompt({ name: everything('args-prompt'), arguments: { city: 'Graz', state: 'Styria' } }),
    source.everything.complete({ ref, argument: { name: 'department', value: 'S' } }),
    source.files.callTool({ name: file('read_text_file'), arguments: greeting }),
    source.files.callTool({ name: file('list_directory'), arguments: { path: files } }),
    source.memory.callTool({ name: memory('search_nodes'), arguments: { query: 'Ada' } }),
  ])
  return { values: values.map(withoutProtocol), tools: await toolsFrom(source, naming) }
}

const isPrefixed = (naming: (name: string) => string): boolean => naming('x') !== 'x'

async function toolsFrom(source: Source, naming: Naming): Promise<unknown[]> {
  const lists = await Promise.all(
    (['everything', 'files', 'memory'] as const).map(async (name) => {
      const { tools } = await source[name].listTools()
      const prefix = naming(name)('')
      const own = tools.filter((tool) => tool.name.startsWith(prefix))
      return own.map(({ execution: _tasks, ...tool }: { name: string; execution?: unknown }) => ({
        ...tool,
        name: tool.name.slice(prefix.length),
      }))
    }),
  )
  return lists
}

/** What a revision adds to every result, and the prefix of a URI on an aggregate, are the gateway's; the rest is the server's. */
function withoutProtocol(result: unknown): unknown {
  const text = JSON.stringify(result).replaceAll(/toolgate:\/\/[a-z]+\//g, '')
  const { _meta, resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = JSON.parse(text)
  return rest
}

const aggregate: Naming = (server) => (name) => `${server}__${name}`
const single: Naming = () => (name) => name

const ways: { kind: ClientKind; wire: Wire }[] = [
  { kind: 'v1', wire: 'http' },
  { kind: 'v2 legacy', wire: 'http' },
  { kind: 'v2 modern', wire: 'http' },
  { kind: 'v1', wire: 'sse' },
  { kind: 'v2 legacy', wire: 'sse' },
  { kind: 'v1', wire: 'ws' },
  { kind: 'v2 legacy', wire: 'ws' },
  { kind: 'v2 modern', wire: 'ws' },
]

const suffixes: Record<Wire, string> = { http: '', sse: '/sse', ws: '/ws' }

describe('three real servers behind one gateway', () => {
  it('have, asked directly, something to compare with', () => {
    expect(direct['tools']).toMatchObject([expect.any(Array), expect.any(Array), expect.any(Array)])
    expect((direct['tools'] as unknown[][]).every((tools) => tools.length > 5)).toBe(true)
    const text = JSON.stringify(direct['values'])
    for (const word of ['Echo: Grüß Gott', 'image/png', 'Graz', 'Sales', 'Grüße aus der Datei', 'Ada']) {
      expect(text).toContain(word)
    }
  })

  it.each(ways)('give a $kind client over $wire at /mcp what they give directly', async ({ kind, wire }) => {
    await using client = await connect(kind, wire, { url: `${gateway.url}/mcp${suffixes[wire]}`, token })
    const source = { everything: client, files: client, memory: client }
    expect(await everythingFrom(source, aggregate)).toEqual(direct)
  })

  it.each(ways)('give a $kind client over $wire at /{name}/mcp what they give directly', async ({ kind, wire }) => {
    const at = (name: string) => connect(kind, wire, { url: `${gateway.url}/${name}/mcp${suffixes[wire]}`, token })
    await using everything = await at('everything')
    await using filesystem = await at('files')
    await using memory = await at('memory')
    expect(await everythingFrom({ everything, files: filesystem, memory }, single)).toEqual(direct)
  })

  it.each(ways)('give a $kind client over $wire at /mcp/{name} what they give directly', async ({ kind, wire }) => {
    const at = (name: string) => connect(kind, wire, { url: `${gateway.url}/mcp/${name}${suffixes[wire]}`, token })
    await using everything = await at('everything')
    await using filesystem = await at('files')
    await using memory = await at('brain')
    expect(await everythingFrom({ everything, files: filesystem, memory }, single)).toEqual(direct)
  })

  it('keep what one client wrote for the next one', async () => {
    const entities = [{ name: 'Grace', entityType: 'person', observations: ['found the first bug'] }]
    await using writer = await connect('v2 modern', 'http', { url: `${gateway.url}/mcp`, token })
    await writer.callTool({ name: 'memory__create_entities', arguments: { entities } })
    await using reader = await connect('v1', 'sse', { url: `${gateway.url}/memory/mcp/sse`, token })
    const found = await reader.callTool({ name: 'open_nodes', arguments: { names: ['Grace'] } })
    expect(found).toMatchObject({ structuredContent: { entities } })
  })

  it('call themselves by their own name where they stand alone, and toolgate where they stand together', async () => {
    await using alone = await connect('v1', 'http', { url: `${gateway.url}/files/mcp`, token })
    await using together = await connect('v1', 'http', { url: `${gateway.url}/mcp`, token })
    expect(alone.getServerVersion()?.name).toBe('secure-filesystem-server')
    expect(together.getServerVersion()?.name).toBe('toolgate')
  })

  it('answer at /mcp/ without a redirect', async () => {
    await using client = await connect('v2 modern', 'http', { url: `${gateway.url}/mcp/`, token })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('everything__echo')
  })
})
