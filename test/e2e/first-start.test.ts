/** `npm start` on a fresh machine: nothing is configured, and three real servers are served. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callIn, sourceMain, startProgram, tokenIn, type Program } from '../support/cli/run-program.ts'
import { connect, type McpClient } from '../support/sdk-clients.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

/** All processes that descend from one, by their place in /proc; zombies do not count. */
function familyOf(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? [])
  const below = (parent: number): number[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one.pid, ...below(one.pid)])
  return below(pid)
}

function statOf(pid: number): { pid: number; parent: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = 'X', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return 'ZX'.includes(state) ? null : { pid, parent: Number(parent) }
  } catch {
    return null
  }
}

const isRunning = (pid: number): boolean => statOf(pid) !== null
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
const everythingOf = (pid: number): number =>
  familyOf(pid).find((one) => commandOf(one).includes('streamableHttp')) ?? 0

describe('a first start', () => {
  let folder: string
  let program: Program
  let url: string
  let token: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'toolgate-first-'))
    program = startProgram(['--port', '0'], { cwd: folder })
    url = await program.untilUp()
    token = tokenIn(program.stdout())
  })

  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (): Promise<McpClient> => connect('v2 modern', 'http', { url: `${url}/mcp`, token })

  it('prints a first call that works as it stands', async () => {
    const { stdout } = await run('sh', ['-c', callIn(program.stdout())])
    expect(JSON.parse(stdout)).toMatchObject({ result: { content: [{ type: 'text', text: 'Echo: hello' }] } })
  })

  it('serves the three servers, each with its data in the data folder', async () => {
    await using mcp = await client()
    const path = join(folder, '.toolgate', 'scratch', 'hello.txt')
    await mcp.callTool({ name: 'filesystem__write_file', arguments: { path, content: 'hello' } })
    expect(await readFile(path, 'utf8')).toBe('hello')
    expect(existsSync(join(folder, '.toolgate', 'scratch', 'README.md'))).toBe(true)
    const entities = [{ name: 'Ada', entityType: 'person', observations: [] }]
    await mcp.callTool({ name: 'memory__create_entities', arguments: { entities } })
    expect(await readFile(join(folder, '.toolgate', 'memory.jsonl'), 'utf8')).toContain('Ada')
    const { tools } = await mcp.listTools()
    expect(new Set(tools.map(({ name }) => name.split('__')[0]))).toEqual(
      new Set(['everything', 'filesystem', 'memory']),
    )
  })

  it('keeps its example server to itself: on loopback, behind a key that no tool can read', async () => {
    await using mcp = await client()
    const environment = JSON.stringify(await mcp.callTool({ name: 'everything__get-env', arguments: {} }))
    const port = /\\"PORT\\": \\"(\d+)\\"/.exec(environment)?.[1] ?? ''
    expect(environment).not.toContain('DOOR')
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const refused = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers, body })
    expect(refused.status).toBe(401)
    const open = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example' },
    })
    expect(open.headers.get('access-control-allow-origin')).toBeNull()
    // proc_net_tcp: local address in hexadecimal, state 0A is listening.
    const hex = Number(port).toString(16).toUpperCase().padStart(4, '0')
    const listening = (await readFile('/proc/net/tcp', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(`:${hex} 00000000:0000 0A`))
    expect(listening.map((line) => line.trim().split(' ')[1])).toEqual([`0100007F:${hex}`])
    expect(await readFile('/proc/net/tcp6', 'utf8')).not.toContain(`:${hex} 00000000000000000000000000000000:0000 0A`)
  })

  it('starts its example server again when that ends, and the next call waits for it', async () => {
    await using mcp = await client()
    const before = everythingOf(program.pid)
    process.kill(before, 'SIGKILL')
    await until('the gateway knows', () => program.stderr().includes('a server ended'))
    const answer = await mcp.callTool({ name: 'everything__echo', arguments: { message: 'again' } })
    expect(JSON.stringify(answer)).toContain('Echo: again')
    expect(everythingOf(program.pid)).not.toBe(before)
  })

  it('shows no token at the next start, and the first one still opens the door', async () => {
    await using second = startProgram(['--port', '0'], { cwd: folder })
    const address = await second.untilUp()
    expect(second.stdout()).not.toContain('tg_')
    const { stdout } = await run('sh', ['-c', callIn(second.stdout()).replace('YOUR_TOKEN', token)])
    expect(stdout).toContain('Echo: hello')
    expect(address).not.toBe(url)
  })
})

describe('a configuration that is written after the first start', () => {
  it('applies at once: its servers take the place of the examples, which end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'toolgate-later-'))
    try {
      await using program = startProgram(['--port', '0'], { cwd: folder })
      const url = await program.untilUp()
      expect(program.stdout()).toContain('write toolgate.yaml; it applies at once.')
      const token = tokenIn(program.stdout())
      await using mcp = await connect('v2 modern', 'http', { url: `${url}/mcp`, token })
      await mcp.callTool({ name: 'everything__echo', arguments: { message: 'before' } })
      const everything = everythingOf(program.pid)
      const args = JSON.stringify([sourceMain, 'demo-server'])
      await writeFile(
        join(folder, 'toolgate.yaml'),
        `servers: { mine: { command: ${process.execPath}, args: ${args} } }`,
      )
      await until('it is applied', () => program.stderr().includes('the configuration was applied'), {
        timeoutMs: 10_000,
      })
      const { tools } = await mcp.listTools()
      expect(new Set(tools.map(({ name }) => name.split('__')[0]))).toEqual(new Set(['mine']))
      await until('the example has ended', () => !isRunning(everything), { timeoutMs: 5_000 })
      expect(program.stderr()).not.toContain('a server ended')
      expect(program.stderr()).not.toContain('at the next start')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('that is broken is reported with its place, and the examples stay', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'toolgate-later-'))
    try {
      await using program = startProgram(['--port', '0'], { cwd: folder })
      await program.untilUp()
      await writeFile(join(folder, 'toolgate.yaml'), 'servers:\n  mine: { urk: x }\n')
      await until('it is reported', () => program.stderr().includes('toolgate.yaml:2'), { timeoutMs: 10_000 })
      const { stdout } = await run('sh', ['-c', callIn(program.stdout())])
      expect(stdout).toContain('Echo: hello')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('the end of a gateway', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'toolgate-end-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('by %s leaves no process behind', async (signal) => {
    await using program = startProgram(['--port', '0'], { cwd: folder })
    await program.untilUp()
    await run('sh', ['-c', callIn(program.stdout())])
    const family = familyOf(program.pid)
    expect(family.length).toBeGreaterThanOrEqual(2)
    program.child.kill(signal)
    const { code } = await program.exited
    expect(code).toBe(signal === 'SIGKILL' ? null : 0)
    await until('all are gone', () => !family.some(isRunning), { timeoutMs: 5_000 })
  })

  it('waits for a call under way at the first signal, ends at once at the second, and takes an echo of the first for no second', async () => {
    await using program = startProgram(['--port', '0'], { cwd: folder })
    const url = await program.untilUp()
    const token = tokenIn(program.stdout())
    await using client = await connect('v1', 'http', { url: `${url}/everything/mcp`, token })
    const call = client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 60 } })
    call.catch(() => undefined)
    await delay(300)
    const family = familyOf(program.pid)
    program.child.kill('SIGINT')
    program.child.kill('SIGINT')
    await until('it knows', () => program.stderr().includes('ending'))
    await delay(700)
    expect(isRunning(program.pid)).toBe(true)
    program.child.kill('SIGINT')
    expect(await program.exited).toEqual({ code: null, signal: 'SIGINT' })
    await until('all are gone', () => !family.some(isRunning), { timeoutMs: 5_000 })
    await expect(call).rejects.toBeInstanceOf(Error)
  })
})

describe('a start that fails', () => {
  it('for a port in use says so, ends with 69, and leaves the first token for the start that works', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'toolgate-port-'))
    const other = createServer().listen(0, '127.0.0.1')
    try {
      await until('the port is taken', () => other.address() !== null)
      const { port } = other.address() as { port: number }
      await using refused = startProgram(['serve', '--port', String(port)], { cwd: folder })
      expect(await refused.exited).toEqual({ code: 69, signal: null })
      expect(refused.stderr()).toContain(`127.0.0.1:${port} is in use`)
      expect(refused.stdout()).toBe('')
      await using works = startProgram(['serve', '--port', '0', '--data-dir', join(folder, '.toolgate')], {
        cwd: folder,
      })
      await works.untilUp()
      expect(tokenIn(works.stdout())).toMatch(/^tg_/)
    } finally {
      other.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
