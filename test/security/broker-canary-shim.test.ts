/** A harness that reads its configuration from a file: no token stands in it, nor around the process that it starts, and no two sessions cross. */
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StartedSession } from '#contract/session.ts'
import { openSessionSocket, type SessionSocket } from '#adapters/session-socket/session-socket.ts'
import { specOf, startBrokerLab, type BrokerLab } from '../support/broker-lab.ts'
import { startProgram, type Program } from '../support/cli/run-program.ts'
import { plant } from '../support/planted.ts'
import { rawToken } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'
import { admin } from '../support/session-world.ts'
import { until } from '../support/until.ts'

const credential = plant('credential')
const signingKey = plant('signing-key')
const patient = { timeoutMs: 15_000 }

let folder: string
let git: RawUpstream
let files: RawUpstream
let lab: BrokerLab
let socket: SessionSocket
/** Of two agents. */
let one: StartedSession
let other: StartedSession
let programs: Program[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolgate-shim-'))
  programs = []
  git = await rawUpstream({ tools: ['log'] })
  git.script.calls = { log: (x) => x.text(`git ${JSON.stringify(x.message['params'].arguments)}`) }
  files = await rawUpstream({ tools: ['log'] })
  files.script.calls = { log: (x) => x.text(`files ${JSON.stringify(x.message['params'].arguments)}`) }
  const owned = { credential: { kind: 'bearer', token: credential } }
  lab = await startBrokerLab({
    signingKey,
    servers: [toServer('git', git, owned), toServer('files', files, owned)],
    resources: [
      resource('agent', 'one', { harness: 'opencode', servers: [{ server: 'srv_git' }] }),
      resource('agent', 'other', { harness: 'opencode', servers: [{ server: 'srv_files' }, { server: 'srv_git' }] }),
    ],
  })
  socket = await openSessionSocket({ path: join(folder, 'adapter', 'sessions.sock') })
  ;[one, other] = [await lab.start('one'), await lab.start('other')]
  socket.put(one.harness)
  socket.put(other.harness)
})

afterEach(async () => {
  for (const program of programs) await program[Symbol.asyncDispose]()
  await socket[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const secrets = (): string[] => [
  credential,
  signingKey,
  rawToken('a'),
  ...[one, other].flatMap((started) => [specOf(started).auth_token ?? '', started.refreshToken ?? '']),
]

function expectNoSecret(text: string): void {
  expect(text.length).toBeGreaterThan(10)
  for (const secret of secrets()) expect(text).not.toContain(secret)
}

/** A harness's end of a shim: lines out, lines in. */
function startShim(args: readonly string[]) {
  const program = startProgram(['session-shim', ...args], {
    cwd: folder,
    env: { TOOLGATE_SESSION_SOCKET: socket.path },
  })
  programs.push(program)
  let nextId = 1
  const answerTo = async (id: string): Promise<Json> => {
    const find = (): Json | undefined =>
      program
        .stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Json)
        .find((message) => message['id'] === id)
    await until(`the shim answers ${id}\n${program.stderr()}`, () => find() !== undefined, patient)
    return find() ?? {}
  }
  const request = (method: string, params: Json = {}): Promise<Json> => {
    const id = `r${nextId++}`
    program.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    return answerTo(id)
  }
  const open = async (): Promise<void> => {
    const clientInfo = { name: 'opencode', version: '1' }
    await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
    program.child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  }
  return { program, request, open }
}

const textOf = (answer: Json): string => String(answer['result']?.content?.[0]?.text ?? JSON.stringify(answer))

describe('the shim of one session', () => {
  it('is what the generated configuration starts, and passes its server through', async () => {
    const configPath = join(folder, 'opencode.json')
    await writeFile(configPath, JSON.stringify(one.config))
    const { mcp } = JSON.parse(await readFile(configPath, 'utf8')) as { mcp: Record<string, { command: string[] }> }
    const [command, subcommand, ...args] = mcp['git']?.command ?? []
    expect([command, subcommand]).toEqual(['toolgate', 'session-shim'])
    const shim = startShim(args)
    await shim.open()
    expect(await shim.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'log' }] } })
    expect(textOf(await shim.request('tools/call', { name: 'log', arguments: { a: 1 } }))).toBe('git {"a":1}')
    expectNoSecret(await readFile(configPath, 'utf8'))
    expectNoSecret(shim.program.stdout() + shim.program.stderr())
    if (process.platform !== 'linux') return
    expectNoSecret(readFileSync(`/proc/${shim.program.pid}/cmdline`, 'utf8'))
    expectNoSecret(readFileSync(`/proc/${shim.program.pid}/environ`, 'utf8'))
  })

  it('takes the token of the moment: it goes on over a restart, and stops at the end', async () => {
    const shim = startShim(['--session', one.session.id, '--server', 'git'])
    await shim.open()
    await shim.request('tools/call', { name: 'log' })
    const again = await lab.agents.control.restart(admin, one.session.id, {})
    expect(textOf(await shim.request('tools/call', { name: 'log' }))).toContain('session_over')
    socket.put(again.harness)
    await shim.open()
    expect(textOf(await shim.request('tools/call', { name: 'log' }))).toContain('git')
    socket.delete(one.session.id)
    expect(textOf(await shim.request('tools/call', { name: 'log' }))).toContain('session_not_found')
  })

  it('reaches no server of another session', async () => {
    const shim = startShim(['--session', one.session.id, '--server', 'files'])
    expect(textOf(await shim.request('initialize', { protocolVersion: '2025-11-25', capabilities: {} }))).toContain(
      'session_not_found',
    )
    expect(files.seen).toEqual([])
  })
})

describe('the shim of a harness that is one process for many sessions', () => {
  const call = (session: string, server: string, args: Json): Json => ({
    name: 'call_tool',
    arguments: { session_id: session, server, tool: 'log', arguments: args },
  })

  it('keeps two sessions of two agents apart, however their calls are mixed', async () => {
    const shim = startShim([])
    await shim.open()
    const [a, b] = [one.session.id, other.session.id]
    const calls = Array.from({ length: 20 }, (_, index) =>
      Promise.all([
        shim.request('tools/call', call(a, 'git', { of: 'one', index })),
        shim.request('tools/call', call(b, 'files', { of: 'other', index })),
        shim.request('tools/call', call(b, 'git', { of: 'other', index })),
      ]),
    )
    for (const [index, answers] of (await Promise.all(calls)).entries())
      expect(answers.map(textOf)).toEqual([
        `git {"of":"one","index":${index}}`,
        `files {"of":"other","index":${index}}`,
        `git {"of":"other","index":${index}}`,
      ])
    const audited = (await lab.audit()).filter(({ method }) => method === 'tools/call')
    expect(audited.filter(({ sessionId, server }) => sessionId === a && server !== 'git')).toEqual([])
    expect(audited.filter(({ sessionId }) => sessionId === a)).toHaveLength(20)
    expect(audited.filter(({ sessionId }) => sessionId === b)).toHaveLength(40)
    // What one agent is, the server tells apart: neither shares a session with the other.
    const ofServer = new Map(
      git.calls('log').map(({ message, headers }) => [message['params'].arguments.of, headers['mcp-session-id']]),
    )
    expect(new Set(ofServer.values()).size).toBe(2)
  })

  it('lists to each session its own servers, and opens no other', async () => {
    const shim = startShim([])
    const listed = async (id: string): Promise<string[]> =>
      (
        JSON.parse(
          textOf(await shim.request('tools/call', { name: 'list_tools', arguments: { session_id: id } })),
        ) as Json[]
      ).map(({ server }) => String(server))
    expect(await listed(one.session.id)).toEqual(['git'])
    expect(await listed(other.session.id)).toEqual(['files', 'git'])
    expect(textOf(await shim.request('tools/call', call(one.session.id, 'files', {})))).toContain('session_not_found')
    expect(files.calls('log')).toEqual([])
    const guessed = await shim.request('tools/call', {
      name: 'list_tools',
      arguments: { session_id: 'ses_00000000000000000000' },
    })
    expect(guessed['result']).toMatchObject({ isError: true })
  })

  it('ends for the one whose session ends, and for no other; and nothing about it tells a token', async () => {
    const shim = startShim([])
    await shim.open()
    await shim.request('tools/call', call(one.session.id, 'git', {}))
    await lab.agents.control.end(admin, one.session.id)
    expect(textOf(await shim.request('tools/call', call(one.session.id, 'git', {})))).toContain('session_over')
    expect(textOf(await shim.request('tools/call', call(other.session.id, 'files', { x: 1 })))).toBe('files {"x":1}')
    expectNoSecret(shim.program.stdout() + shim.program.stderr())
    if (process.platform !== 'linux') return
    expectNoSecret(readFileSync(`/proc/${shim.program.pid}/cmdline`, 'utf8'))
    expectNoSecret(readFileSync(`/proc/${shim.program.pid}/environ`, 'utf8'))
  })

  it('says so where the adapter is away, and goes on when it is back', async () => {
    const shim = startShim([])
    await socket[Symbol.asyncDispose]()
    expect(textOf(await shim.request('tools/call', call(one.session.id, 'git', {})))).toContain('credential_missing')
    socket = await openSessionSocket({ path: socket.path })
    socket.put(one.harness)
    expect(textOf(await shim.request('tools/call', call(one.session.id, 'git', {})))).toContain('git')
  })
})
