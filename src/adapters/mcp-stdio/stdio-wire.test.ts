import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Channel, ChannelEnd } from '#core/upstream/channel-wire.ts'

import { createStdioWire } from './stdio-wire.ts'
import type { StdioWireOptions } from './stdio-wire.ts'
import { leaseOf } from '#test/support/leases.ts'

const root = resolve(import.meta.dirname, '../../..')
const stubborn = join(root, 'test/support/stdio/stubborn.mjs')

let channels: Channel[]
let folder: string

beforeEach(() => {
  channels = []
  folder = mkdtempSync(join(tmpdir(), 'toolgate-stdio-'))
})

afterEach(async () => {
  await Promise.all(channels.map((channel) => channel.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function open(options: Partial<StdioWireOptions>) {
  const wire = createStdioWire({
    command: 'sh',
    args: [],
    env: {},
    messageBytesMax: 100_000,
    stopGraceMs: 200,
    ...options,
  })
  const messages: unknown[] = []
  const ends: ChannelEnd[] = []
  let arrived = (): void => {}
  let ended = (_end: ChannelEnd): void => {}
  const closed = new Promise<ChannelEnd>((resolve) => (ended = resolve))
  const events = {
    message(message: unknown) {
      messages.push(message)
      arrived()
    },
    closed(end: ChannelEnd) {
      ends.push(end)
      messages.push('<closed>')
      ended(end)
    },
  }
  const channel = await wire.open({ lease: leaseOf(), events, signal: new AbortController().signal })
  channels.push(channel)
  /** The next message that has not been taken. */
  async function next(): Promise<unknown> {
    while (messages.length === 0) await new Promise<void>((resolve) => (arrived = resolve))
    return messages.shift()
  }
  return { wire, channel, messages, ends, closed, next }
}

/** A script for `sh`, which starts ten times faster than Node. */
const script = (text: string): Partial<StdioWireOptions> => ({ args: ['-c', text] })

/** One letter (`Z` is a zombie), or `gone`. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'gone'
  } catch {
    return 'gone'
  }
}

function countChildren(): number {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).length
}

/** An orphan is reaped by process 1, when it likes to; a child of ours must be gone altogether. */
const dead = /^(gone|Z|X)$/

describe('open', () => {
  it.each([
    ['command_not_found', { command: 'no-such-command-anywhere' }],
    ['command_not_found', { command: '/etc/hostname/x' }],
    ['command_not_executable', { command: stubborn }],
    ['cwd_not_found', { cwd: '/no/such/folder' }],
    ['cwd_not_found', { cwd: '/etc/hostname' }],
    ['arguments_too_long', { args: ['x'.repeat(5_000_000)] }],
    ['spawn_failed', { args: ['a\0b'] }],
  ])('rejects with upstream_unreachable and the reason %s', async (reason, options) => {
    await expect(open(options)).rejects.toMatchObject({ code: 'upstream_unreachable', details: { reason } })
  })

  it('rejects when the caller has given up before', async () => {
    const wire = createStdioWire({ command: 'cat', args: [], env: {}, messageBytesMax: 1000 })
    const opening = wire.open({ lease: leaseOf(), events: { message() {}, closed() {} }, signal: AbortSignal.abort() })
    await expect(opening).rejects.toMatchObject({ code: 'upstream_timeout' })
  })

  it('gives the child the listed variables, its own and the mark, and no other of the gateway', async () => {
    process.env['PLANTED_SECRET'] = 'planted'
    process.env['LC_PAPER'] = 'de_DE.UTF-8'
    const print = 'process.stdout.write(JSON.stringify(process.env) + "\\n")'
    const { next } = await open({ command: process.execPath, args: ['-e', print], env: { OWN: 'mine', TERM: 'own' } })
    const environment = Object.entries((await next()) as Record<string, string>)
    delete process.env['PLANTED_SECRET']
    delete process.env['LC_PAPER']
    const allowed = /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LC_\w+|TMPDIR|TZ|OWN|TOOLGATE_GUARD)$/
    expect(environment.filter(([name]) => !allowed.test(name))).toEqual([])
    expect(Object.fromEntries(environment)).toMatchObject({ OWN: 'mine', TERM: 'own', LC_PAPER: 'de_DE.UTF-8' })
    expect(Object.fromEntries(environment)['PATH']).toBe(process.env['PATH'])
  })

  it('starts the child in the given folder, without a shell between', async () => {
    const { next } = await open({
      command: 'node',
      args: ['-p', 'JSON.stringify([process.cwd(), process.argv[1]])', '$HOME;`id`'],
      cwd: folder,
    })
    expect(await next()).toEqual([folder, '$HOME;`id`'])
  })
})

describe('messages', () => {
  it('travel both ways, one JSON value a line, in any language', async () => {
    const { channel, next } = await open({ command: 'cat' })
    const message = { jsonrpc: '2.0', id: 1, text: 'Grüße 🧰\n\u2028' }
    await channel.send(JSON.stringify(message))
    expect(await next()).toEqual(message)
  })

  it('may be pretty-printed by the sender without becoming two messages', async () => {
    const { channel, messages, next } = await open({ command: 'cat' })
    await channel.send('{\n"a": 1}\n{"smuggled": true}')
    await channel.send('{"b":2}')
    expect(await next()).toEqual({ b: 2 })
    expect(messages).toEqual([])
  })

  it('of large size arrive whole', async () => {
    const { channel, next } = await open({ command: 'cat', messageBytesMax: 4_000_000 })
    const message = { text: 'ä'.repeat(1_000_000) }
    await channel.send(JSON.stringify(message))
    expect(await next()).toEqual(message)
  })

  it('are found between banners, empty lines and CRLF, and the banners are kept for the operator', async () => {
    const { wire, next } = await open(script(String.raw`printf 'Server ready!\n\n   \r\n{"a":1}\r\nbye\n2\n'; cat >&2`))
    expect([await next(), await next()]).toEqual([{ a: 1 }, 2])
    expect(wire.diagnosis()).toBe('[stdout] Server ready!\n[stdout] bye\n')
  })

  it('are refused when the child does not read and too much waits already', async () => {
    const { channel, ends } = await open(script('exec sleep 60'))
    const large = JSON.stringify('x'.repeat(5_000_000))
    await channel.send(large)
    await channel.send(large)
    const refused = channel.send('{}')
    await expect(refused).rejects.toMatchObject({ code: 'upstream_closed', details: { reason: 'backlog_full' } })
    expect(ends).toEqual([])
  })
})

describe('an upstream that sends garbage', () => {
  it('is ended after a hundred lines in a row that are no JSON', async () => {
    const { closed, messages, ends } = await open(
      script('i=0; while [ $i -lt 100 ]; do echo noise; i=$((i+1)); done; echo 1; while :; do echo noise; done'),
    )
    expect(await closed).toEqual({ kind: 'garbage', text: 'The process sends lines that are not JSON.' })
    expect([messages, ends.length]).toEqual([[1, '<closed>'], 1])
  })

  it('is ended when a line is over the limit, although the line has no end', async () => {
    const { channel, closed } = await open({ ...script('yes | tr -d "\\n"'), messageBytesMax: 1000 })
    expect(await closed).toEqual({ kind: 'too_large', text: 'The process sent a line over the size limit.' })
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
  })
})

describe('an upstream that goes away', () => {
  it('is told once, after its last message, with its exit code, and its standard error stays readable', async () => {
    const { wire, closed, messages, ends } = await open(script('echo "no such table" >&2; echo 1; printf 2; exit 3'))
    expect(await closed).toEqual({ kind: 'lost', text: 'The process exited with code 3.' })
    expect([messages, ends.length]).toEqual([[1, 2, '<closed>'], 1])
    expect(wire.diagnosis()).toBe('no such table\n')
  })

  it('is told with the signal that ended it', async () => {
    const { closed } = await open(script('kill -SEGV $$'))
    expect(await closed).toEqual({ kind: 'lost', text: 'The process was ended by SIGSEGV.' })
  })

  it('is told when it lives on but closes its output, and does not live on then', async () => {
    const { closed, next } = await open(script('trap "" TERM; echo $$; exec >&-; while :; do sleep 0.05; done'))
    const pid = Number(await next())
    expect(await closed).toEqual({ kind: 'lost', text: 'The process closed its output.' })
    expect(stateOf(pid)).toBe('gone')
  })

  it('is told when it lives on but closes its input', async () => {
    const { channel, closed, next } = await open(script('exec <&-; echo 1; sleep 60'))
    await next()
    await channel.send('{}')
    expect(await closed).toEqual({ kind: 'lost', text: 'The process closed its input.' })
  })

  it('takes the rest of its group with it', async () => {
    const { closed, next } = await open(script('sleep 60 & echo $!; exit 1'))
    const grandchild = Number(await next())
    expect(await closed).toEqual({ kind: 'lost', text: 'The process exited with code 1.' })
    expect(stateOf(grandchild)).toMatch(dead)
  })

  it('refuses messages with upstream_closed', async () => {
    const { channel, closed } = await open(script('exit 0'))
    await closed
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await channel.close()
  })

  it('does not hold the channel open through a process that left the group with its output', async () => {
    const { closed, next } = await open(script('setsid sleep 60 & echo $!; exit 0'))
    const escaped = Number(await next())
    expect(await closed).toMatchObject({ kind: 'lost' })
    process.kill(escaped, 'SIGKILL')
  })
})

describe('close', () => {
  it('lets a child end by itself at the end of its input, after it has answered', async () => {
    const { channel, messages, ends } = await open({ ...script('cat; echo \'"last"\''), stopGraceMs: 5000 })
    await channel.send('1')
    await channel.close()
    expect(messages).toEqual([1, 'last', '<closed>'])
    expect(ends).toEqual([{ kind: 'closed', text: 'The gateway closed the channel.' }])
  })

  it('asks with SIGTERM before it kills', async () => {
    const { channel, messages, next } = await open({
      command: 'sh',
      ...script('trap "echo 2; exit" TERM; echo 1; while :; do sleep 0.01; done'),
    })
    await next()
    await channel.close()
    expect(messages).toEqual([2, '<closed>'])
  })

  it('kills a child and its grandchild that ignore everything, and leaves neither process nor zombie', async () => {
    const { channel, next } = await open({ command: process.execPath, args: [stubborn] })
    const { child, grandchild } = (await next()) as { child: number; grandchild: number }
    expect(`${stateOf(child)}${stateOf(grandchild)}`).toMatch(/^[RS]{2}$/)
    await channel.close()
    expect(stateOf(child)).toBe('gone')
    expect(stateOf(grandchild)).toMatch(dead)
  })

  it('kills a grandchild that outlives its parent', async () => {
    const { channel, next } = await open(script('(trap "" TERM; sleep 60) & echo $!; cat'))
    const grandchild = Number(await next())
    await channel.close()
    expect(stateOf(grandchild)).toMatch(dead)
  })

  it('resolves for every caller, tells the end once, and refuses messages from its start', async () => {
    const { channel, ends } = await open({ command: 'cat' })
    const closing = [channel.close(), channel.close()]
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await Promise.all([...closing, channel.close()])
    expect(ends.length).toBe(1)
  })

  it('leaves no child behind, the watchdog included, and no open file', async () => {
    const filesBefore = readdirSync('/proc/self/fd').length
    const opened = await Promise.all(Array.from({ length: 5 }, () => open({ command: 'cat' })))
    expect(countChildren()).toBe(6)
    await Promise.all(opened.map(({ channel }) => channel.close()))
    expect(countChildren()).toBe(0)
    expect(readdirSync('/proc/self/fd').length).toBe(filesBefore)
  })
})

describe('diagnosis', () => {
  it('keeps the last bytes of standard error only', async () => {
    const { wire, closed } = await open({
      ...script('i=0; while [ $i -lt 1000 ]; do echo "line $i" >&2; i=$((i+1)); done'),
      stderrBytesMax: 30,
    })
    await closed
    expect(wire.diagnosis()).toBe('line 997\nline 998\nline 999\n')
  })
})

describe('real servers', () => {
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }

  it.each(['mcp-server-everything', 'mcp-server-memory'])(
    '%s answers initialize and ends without force',
    async (name) => {
      const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }
      const { channel, next, ends } = await open({
        command: join(root, 'node_modules/.bin', name),
        env,
        stopGraceMs: 10_000,
      })
      await channel.send(JSON.stringify(initialize))
      expect(await next()).toMatchObject({ id: 1, result: { protocolVersion: '2025-06-18' } })
      await channel.close()
      expect(ends).toEqual([{ kind: 'closed', text: 'The gateway closed the channel.' }])
    },
  )
})
