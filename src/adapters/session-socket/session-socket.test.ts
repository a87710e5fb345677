import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HarnessMcpServerSpec } from '#contract/session.ts'
import { openSessionSocket, type SessionSocket } from './session-socket.ts'

const [one, two] = ['ses_AAAAAAAAAAAAAAAAAAAA', 'ses_BBBBBBBBBBBBBBBBBBBB'] as const

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-socket-'))
  path = join(folder, 'sessions.sock')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function ask(question: string): Promise<unknown> {
  const socket = connect(path)
  socket.on('error', () => undefined)
  socket.write(question)
  const answer = await text(socket).catch(() => '')
  return answer === '' ? null : JSON.parse(answer)
}

const line = (question: unknown): string => `${JSON.stringify(question)}\n`

const spec = (session: string, name: string, token: string): HarnessMcpServerSpec => ({
  name,
  url: `https://gate.example/sessions/${session}/mcp/${name}`,
  transport: 'http',
  auth_token: token,
})

function put(socket: SessionSocket, session: string, token: string): void {
  socket.put({
    platform_session_id: session,
    mcp_servers: [spec(session, 'git', token), spec(session, 'files', token)],
  })
}

describe('a session socket', () => {
  it('tells a session’s servers, and where each is and with which token, until it is told otherwise', async () => {
    await using socket = await openSessionSocket({ path })
    put(socket, one, 'tgs_first')
    put(socket, two, 'tgs_other')
    expect(await ask(line({ session: one }))).toEqual({ servers: ['git', 'files'] })
    const place = { url: `https://gate.example/sessions/${one}/mcp/git`, token: 'tgs_first' }
    expect(await ask(line({ session: one, server: 'git' }))).toEqual(place)
    put(socket, one, 'tgs_second')
    expect(await ask(line({ session: one, server: 'git' }))).toEqual({ ...place, token: 'tgs_second' })
    socket.delete(one)
    expect(await ask(line({ session: one, server: 'git' }))).toEqual({ error: 'unknown' })
    expect(await ask(line({ session: two, server: 'git' }))).toHaveProperty('token', 'tgs_other')
  })

  it('gives no token where the session has none', async () => {
    await using socket = await openSessionSocket({ path })
    const { auth_token: _token, ...bare } = spec(one, 'git', '')
    socket.put({ platform_session_id: one, mcp_servers: [bare] })
    expect(await ask(line({ session: one, server: 'git' }))).toEqual({ url: bare.url, token: null })
  })

  it.each([
    ['an unknown session', line({ session: two })],
    ['an unknown server', line({ session: one, server: 'mail' })],
    ['every object’s own words', line({ session: one, server: 'constructor' })],
    ['every session', line({ session: '*' })],
    ['nothing', line({})],
    ['something else', line({ session: one, all: true })],
    ['no JSON', 'session\n'],
  ])('says one and the same to who asks for %s', async (_what, question) => {
    await using socket = await openSessionSocket({ path })
    put(socket, one, 'tgs_first')
    expect(await ask(question)).toEqual({ error: 'unknown' })
  })

  it('hangs up on who sends too much', async () => {
    await using socket = await openSessionSocket({ path })
    put(socket, one, 'tgs_first')
    expect(await ask('x'.repeat(100_000))).toBeNull()
  })

  it('stands in a folder that is its owner’s alone, or not at all', async () => {
    const inner = join(folder, 'made', 'sessions.sock')
    await using socket = await openSessionSocket({ path: inner })
    expect(socket.path).toBe(inner)
    expect(statSync(join(folder, 'made')).mode & 0o777).toBe(0o700)
    chmodSync(folder, 0o755)
    await expect(openSessionSocket({ path })).rejects.toThrow('0700')
  })

  it('takes the place of one whose process is gone, and of none that is alive', async () => {
    const listening = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', listening])
    expect(statSync(path).isSocket()).toBe(true)
    await using socket = await openSessionSocket({ path })
    put(socket, one, 'tgs_first')
    await expect(openSessionSocket({ path })).rejects.toThrow('already')
    expect(await ask(line({ session: one }))).toHaveProperty('servers')
  })

  it('takes the place of nothing else', async () => {
    writeFileSync(path, 'a letter')
    await expect(openSessionSocket({ path })).rejects.toThrow('no socket')
    expect(readFileSync(path, 'utf8')).toBe('a letter')
  })

  it('answers nobody after its end', async () => {
    const socket = await openSessionSocket({ path })
    put(socket, one, 'tgs_first')
    const idle = connect(path)
    idle.on('error', () => undefined)
    await new Promise((resolve) => idle.once('connect', resolve))
    await socket[Symbol.asyncDispose]()
    expect(await ask(line({ session: one }))).toBeNull()
  })
})
