/** `toolgate bridge` as clients start it: a program on their standard streams, before a gateway with a real server behind it. */
import { Client as Client2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { fillFolder, filesystemServer, memoryServer, startEverything } from '../support/real-servers.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const main = new URL('../../src/main.ts', import.meta.url).pathname
const token = tokenFor('bridge')
const info = { name: 'toolgate-bridge-e2e', version: '1.0.0' }
const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let folder: string
let config: Record<string, unknown>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolgate-bridge-'))
  open.defer(() => rm(folder, { recursive: true, force: true }))
  const { files, graph } = await fillFolder(folder)
  const everything = open.use(await startEverything())
  const servers = { everything: { url: everything.url }, files: filesystemServer(files), memory: memoryServer(graph) }
  const tokens = [{ name: 'bridge', secret: token, policies: ['all'] }]
  config = { servers, tokens, policies: { all: { default: 'execute' } } }
  gateway = open.use(await startGateway(config))
}, 60_000)

afterAll(() => open.disposeAsync())

function bridge(path = '/mcp', env: Record<string, string> = { TOOLGATE_TOKEN: token }) {
  return {
    command: process.execPath,
    args: [main, 'bridge', '--url', `${gateway.url}${path}`],
    env,
    stderr: 'pipe' as const,
  }
}

const disposable = <Kind extends { close(): Promise<void> }>(client: Kind): Kind & AsyncDisposable =>
  Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })

async function connectV1(path?: string, capabilities = {}) {
  const client = new Client1(info, { capabilities })
  await client.connect(new Stdio1(bridge(path)))
  return disposable(client)
}

async function connectV2(mode: 'legacy' | 'auto' | { pin: string }, path?: string) {
  const client = new Client2(info, { versionNegotiation: { mode } })
  await client.connect(new Stdio2(bridge(path)))
  return disposable(client)
}

type AnyClient = Awaited<ReturnType<typeof connectV1>> | Awaited<ReturnType<typeof connectV2>>

/** Something of each of the three servers. */
async function tour(client: AnyClient): Promise<string> {
  const { tools } = await client.listTools()
  const answers = await Promise.all([
    client.callTool({ name: 'everything__echo', arguments: { message: 'Grüß Gott' } }),
    client.callTool({ name: 'files__read_text_file', arguments: { path: join(folder, 'files', 'greeting.txt') } }),
    client.callTool({ name: 'memory__search_nodes', arguments: { query: 'Ada' } }),
    client.getPrompt({ name: 'everything__args-prompt', arguments: { city: 'Graz', state: 'Styria' } }),
    client.readResource({ uri: 'toolgate://everything/demo://resource/static/document/architecture.md' }),
  ])
  return JSON.stringify({ names: tools.map(({ name }) => name), answers })
}

const words = [
  'everything__echo',
  'files__read_text_file',
  'memory__search_nodes',
  'Echo: Grüß Gott',
  'Grüße aus der Datei',
  'Ada',
  'Graz',
]

describe('the bridge', () => {
  it('gives an SDK v1 client the three servers', async () => {
    await using client = await connectV1()
    const seen = await tour(client)
    for (const word of words) expect(seen).toContain(word)
  })

  it.each(['legacy', 'auto', { pin: '2026-07-28' }] as const)(
    'gives an SDK v2 client in mode %j the three servers',
    async (mode) => {
      await using client = await connectV2(mode)
      const seen = await tour(client)
      for (const word of words) expect(seen).toContain(word)
    },
  )

  it('gives one server under its own names at its own address', async () => {
    await using client = await connectV1('/files/mcp')
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('read_text_file')
    expect(client.getServerVersion()?.name).toBe('secure-filesystem-server')
  })

  it('lets a server ask an SDK v1 client, and tells progress', async () => {
    await using client = await connectV1('/everything/mcp', { sampling: {}, elicitation: { form: {} } })
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'none',
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'sampled words' },
    }))
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' as const }))
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'hello', maxTokens: 10 },
    })
    expect(JSON.stringify(sampled)).toContain('sampled words')
    const asked = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })
    expect(JSON.stringify(asked)).toContain('declined')
    const steps: number[] = []
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
      undefined,
      {
        onprogress: ({ progress }) => steps.push(progress),
      },
    )
    // This client forgets who wants to know as soon as it has the answer, so of steps that come with it none is told.
    expect(steps.slice(0, 2)).toEqual([1, 2])
  })

  it('relays log messages that belong to no request', async () => {
    await using client = await connectV1('/everything/mcp')
    const logged: unknown[] = []
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params))
    await client.setLoggingLevel('debug')
    await client.callTool({ name: 'toggle-simulated-logging', arguments: {} })
    await until('a message is logged', () => logged.length > 0, { timeoutMs: 10_000 })
    expect(logged[0]).toMatchObject({ level: expect.any(String), data: expect.anything() })
    await client.callTool({ name: 'toggle-simulated-logging', arguments: {} })
  })

  it('cancels what the client cancels', async () => {
    await using client = await connectV1('/everything/mcp')
    const controller = new AbortController()
    const call = client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 30, steps: 30 } },
      undefined,
      {
        signal: controller.signal,
        onprogress: () => controller.abort('enough'),
      },
    )
    await expect(call).rejects.toThrow('enough')
    expect(await client.ping()).toEqual({})
  })

  it('goes on after the gateway was started anew, with the same session for the client', async () => {
    await using first = await startGateway({ ...config, listen: { port: 0 } })
    const port = Number(new URL(first.url).port)
    const client = new Client1(info)
    await client.connect(new Stdio1({ ...bridge(), args: [main, 'bridge', '--url', first.url] }))
    await using _closing = disposable(client)
    await client.callTool({ name: 'everything__echo', arguments: { message: 'before' } })
    await first.stop()
    await expect(client.callTool({ name: 'everything__echo', arguments: {} })).rejects.toThrow(
      'The gateway cannot be reached',
    )
    await using _second = await startGateway({ ...config, listen: { port } })
    const answer = await client.callTool({ name: 'everything__echo', arguments: { message: 'after' } })
    expect(JSON.stringify(answer)).toContain('Echo: after')
  })

  it('passes on that its token was refused, and says so on standard error', async () => {
    const client = new Client1(info)
    const transport = new Stdio1(bridge('/mcp', { TOOLGATE_TOKEN: tokenFor('nobody') }))
    let told = ''
    transport.stderr?.on('data', (chunk) => (told += String(chunk)))
    await expect(client.connect(transport)).rejects.toThrow('A valid token is required.')
    await until('it says so', () => told !== '')
    expect(told).toBe('toolgate bridge: A valid token is required.\n')
    await client.close()
  })

  it('takes its token from a file, answers what was piped in, and ends with 0', async () => {
    const file = join(folder, 'token')
    await writeFile(file, `${token}\n`)
    const child = spawn(process.execPath, [main, 'bridge', '--url', gateway.url, '--token-file', file], {
      stdio: 'pipe',
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk) => (output[name] += String(chunk)))
    const exited = once(child, 'exit')
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const params = { name: 'everything__echo', arguments: { message: 'piped' }, _meta }
    child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })}\n`)
    expect(await exited).toEqual([0, null])
    expect(output.stderr).toBe('')
    expect(JSON.parse(output.stdout)).toMatchObject({ id: 1, result: { content: [{ text: 'Echo: piped' }] } })
  })

  it('ends when its client is killed, and takes its session with it', async () => {
    const child = spawn(process.execPath, ['-e', orphaner, process.execPath, main, gateway.url, token], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line]: unknown[] = await once(child.stdout, 'data')
    const pid = Number(String(line))
    child.kill('SIGKILL')
    await until('the bridge has ended', () => !isRunning(pid))
    expect(isRunning(pid)).toBe(false)
  })
})

/** A client that starts a bridge, tells its process id, and waits. */
const orphaner = `
const [node, main, url, token] = process.argv.slice(1)
const child = require('node:child_process').spawn(node, [main, 'bridge', '--url', url], { env: { TOOLGATE_TOKEN: token }, stdio: 'pipe' })
child.stdin.write(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }) + '\\n')
child.stdout.once('data', () => console.log(child.pid))
`

/** A zombie counts as ended: reaping it is the business of process 1. */
function isRunning(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !'ZX'.includes(text.slice(text.lastIndexOf(')') + 2).charAt(0))
  } catch {
    return false
  }
}
