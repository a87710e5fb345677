import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '#config/load.ts'
import { GatewayError } from '#contract/errors.ts'
import { runCli } from './run-cli.ts'
import type { Parts, ServeRequest, World } from './world.ts'

let folder: string
let printed: string[]
let told: string[]
let served: ServeRequest[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-cli-'))
  ;[printed, told, served] = [[], [], []]
})

afterEach(() => rmSync(folder, { recursive: true }))

const hash = 'ab'.repeat(32)

function run(args: string[], options: { env?: Record<string, string>; parts?: Partial<Parts> } = {}): Promise<number> {
  const world: World = {
    env: options.env ?? {},
    home: folder,
    platform: 'linux',
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    program: 'toolgate',
    print: (text) => printed.push(text),
    tell: (text) => told.push(text),
    untilSignalled: () => new Promise(() => undefined),
  }
  const parts: Parts = {
    version: '1.2.3',
    serve: (request) => {
      served.push(request)
      return Promise.resolve()
    },
    mintToken: () => Promise.resolve({ raw: 'tg_the_token', hash }),
    bridge: () => Promise.reject(new Error('not here')),
    openVault: () => Promise.reject(new Error('not here')),
    serveDemo: () => Promise.resolve(),
    ...options.parts,
  }
  return runCli(args, { parts, world })
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

const systemError = (facts: object): Error => Object.assign(new Error('from the system'), facts)

describe('toolgate', () => {
  it.each([[['--version']], [['-V']]])('%j prints its version', async (args) => {
    expect(await run(args)).toBe(0)
    expect(printed).toEqual(['1.2.3'])
  })

  it.each([[['--help']], [['help']], [['serve', '--help']], [['help', 'bridge']], [['config', 'import', '-h']]])(
    '%j prints help within 80 columns, examples included, and ends with 0',
    async (args) => {
      expect(await run(args)).toBe(0)
      const text = printed.join('\n')
      expect(text).toMatch(/^Usage: toolgate/)
      expect(text).toContain('Examples:\n  $ toolgate')
      const prose = text.split('\n').filter((line) => !line.startsWith('  $'))
      expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80)
    },
  )

  it('does not show the hidden command, and has it', async () => {
    await run(['--help'])
    expect(printed.join()).not.toContain('demo-server')
    expect(await run(['demo-server'])).toBe(0)
  })

  it.each([
    [['sevre'], "unknown command 'sevre'\n(Did you mean serve?)"],
    [['serve', '--prot', '1'], "unknown option '--prot'\n(Did you mean --port?)"],
    [['--prot', '1'], '(Did you mean --port?)'],
    [['config', 'chekc'], '(Did you mean check?)'],
    [['serve', '--port', '70000'], 'It must be 0 to 65535.'],
    [['serve', '--port', '1e3'], 'It must be 0 to 65535.'],
    [['serve', 'extra'], 'too many arguments'],
    [['token', 'create'], "required option '-n, --name <name>' not specified"],
    [['bridge', '--url', 'ws://127.0.0.1'], '--url must be an http or https URL.'],
    [['bridge', '--url', 'http://me:secret@127.0.0.1'], '--url must not hold a user or a password.'],
    [['bridge', '--token', 'two words'], 'The token must be one word of printable characters.'],
    [['bridge', '--token', 'a', '--token-file', 'b'], 'cannot be used with option'],
  ])('%j is refused with 2 and a hint', async (args, words) => {
    expect(await run(args)).toBe(2)
    expect(told.join('\n')).toContain(words)
    expect(printed).toEqual([])
  })

  it('shows the commands of a group that is called without one, and ends with 2', async () => {
    expect(await run(['config'])).toBe(2)
    expect(told.join('\n')).toContain('explain [options]')
  })
})

describe('toolgate serve', () => {
  it('is what is meant without a command', async () => {
    const config = file('a.yaml', 'listen: { port: 1 }')
    expect(
      await run(['--config', config, '--port', '0', '--host', '::1', '--reset-admin-token', '--reset-admin-password']),
    ).toBe(0)
    expect(served).toMatchObject([
      {
        overrides: { host: '::1', port: 0 },
        isAdminTokenReset: true,
        isAdminPasswordReset: true,
        config: { path: config, listen: { port: 1 } },
      },
    ])
    expect(await run([])).toBe(0)
    expect(served[1]).toMatchObject({
      overrides: {},
      isAdminTokenReset: false,
      isAdminPasswordReset: false,
      clients: [],
    })
  })

  it('names the clients of this machine that have a configuration', async () => {
    file('.claude.json', '{}')
    file('.cursor/mcp.json', '{}')
    await run(['serve', '--data-dir', join(folder, 'data')])
    expect(served[0]).toMatchObject({
      clients: ['Claude Code', 'Cursor'],
      overrides: { dataPath: join(folder, 'data') },
    })
  })

  it('prints every problem of a configuration with its place, never a stack, and ends with 78', async () => {
    const path = file('bad.yaml', 'listen: { prot: 1 }\nservers: { a: { command: x, timeoutMs: no } }')
    expect(await run(['serve', '-c', path])).toBe(78)
    expect(told).toEqual([
      [
        'The configuration has 2 problems:',
        `  ${path}:1:11: listen.prot: unknown key; did you mean "port"?`,
        `  ${path}:2:40: servers.a.timeoutMs: must be a number, not text`,
      ].join('\n'),
    ])
  })

  it.each<[object, number, string[]]>([
    [
      { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 4180 },
      69,
      ['127.0.0.1:4180 is in use', 'toolgate serve --port 4181'],
    ],
    [{ code: 'EADDRINUSE', syscall: 'listen', address: '::1', port: 80 }, 69, ['[::1]:80 is in use']],
    [
      { code: 'EACCES', syscall: 'listen', address: '0.0.0.0', port: 80 },
      69,
      ['may not listen on 0.0.0.0:80', '--port'],
    ],
    [
      { code: 'EADDRNOTAVAIL', syscall: 'listen', address: '10.0.0.1', port: 1 },
      69,
      ['10.0.0.1 is no address', '--host'],
    ],
    [{ code: 'ENOTFOUND', syscall: 'getaddrinfo' }, 69, ['ENOTFOUND', '--host']],
    [
      { code: 'EACCES', syscall: 'mkdir', path: '/x' },
      69,
      ['Cannot make the folder /x: this user may not do that.', '--data-dir'],
    ],
  ])('says what to do about %j', async (facts, code, words) => {
    const serve = () => Promise.reject(systemError(facts))
    expect(await run(['serve'], { parts: { serve } })).toBe(code)
    for (const word of words) expect(told.join('\n')).toContain(word)
    expect(told.join('\n')).not.toContain('from the system')
  })

  it('blames no configuration file for what it does not hold', async () => {
    const serve = () =>
      Promise.reject(new GatewayError('config_invalid', { details: { reason: 'The database x cannot be opened.' } }))
    expect(await run(['serve'], { parts: { serve } })).toBe(1)
    expect(told.join('\n')).toBe('The database x cannot be opened.')
  })

  it('shows all that is known of a defect', async () => {
    const serve = () => Promise.reject(new TypeError('x is no function'))
    expect(await run(['serve'], { parts: { serve } })).toBe(1)
    expect(told.join('\n')).toMatch(/Please report it:\nTypeError: x is no function\n +at /)
  })
})

describe('toolgate config', () => {
  it('check counts what is there', async () => {
    const path = file('a.yaml', 'servers: { a: { command: x } }\npolicies: { p: {}, q: {} }')
    expect(await run(['config', 'check', '-c', path])).toBe(0)
    expect(printed).toEqual([`${path} is valid: 1 server, 0 tokens, 2 policies.`])
  })

  it('check names secrets that only the API could have', async () => {
    const server = 'url: "http://a.example", headers: { x: { secretRef: one }, y: { secretRef: onne } }'
    const path = file('a.yaml', `secrets: { one: abc }\nservers: { a: { ${server} } }`)
    expect(await run(['config', 'check', '-c', path])).toBe(0)
    expect(printed.join('\n').split('\n').slice(1)).toEqual([
      'Secrets that are not below "secrets", and must be made over the API:',
      '  onne, for servers.a.headers.y',
    ])
  })

  it('explain shows where each value came from, and no secret', async () => {
    const path = file(
      'a.yaml',
      'servers: { a: { url: "http://a.example", credential: { kind: bearer, token: "${T}" } } }',
    )
    expect(await run(['config', 'explain', '-c', path], { env: { T: 'very-secret' } })).toBe(0)
    expect(printed.join()).toContain('token: "[secret]" # ${T} (a.yaml:1)')
    expect(printed.join()).not.toContain('very-secret')
  })
})

describe('toolgate token create', () => {
  it('shows the token once, and an entry that holds only its hash', async () => {
    expect(await run(['token', 'create', '-n', 'ci', '-p', 'a', '--policy', 'b', '--expires', '2099-01-31'])).toBe(0)
    const text = printed.join('\n')
    expect(text.match(/tg_the_token/g)).toHaveLength(1)
    const entry = text.slice(text.indexOf('tokens:\n'))
    const { tokens } = loadConfig({ path: null, text: `${entry}\npolicies: { a: {}, b: {} }`, env: {} })
    expect(tokens).toEqual([{ name: 'ci', hash, policies: ['a', 'b'], expiresAt: Date.UTC(2099, 0, 31) }])
  })

  it('refuses in words about its options', async () => {
    expect(await run(['token', 'create', '-n', ' x', '--expires', 'soon'])).toBe(2)
    expect(told.join()).toMatch(/^--name: use letters[^]*--expires: must be a date/)
  })
})

describe('toolgate config import', () => {
  const secret = `ghp_${'a1'.repeat(18)}`
  const cursor = JSON.stringify({
    mcpServers: {
      GitHub: { command: 'npx', args: ['gh'], env: { GITHUB_TOKEN: secret } },
      files: { command: 'npx', args: ['fs'] },
      toolgate: { command: 'toolgate', args: ['bridge'] },
    },
  })
  const claude = JSON.stringify({
    mcpServers: {
      files: { command: 'npx', args: ['fs'] },
      github: { url: 'https://g.example/mcp', headers: { Authorization: 'Bearer ${GH}' } },
    },
  })

  it('prints the servers of all clients as YAML, the same server once, another one of the same name under a name of its own', async () => {
    file('.claude.json', claude)
    file('.cursor/mcp.json', cursor)
    expect(await run(['config', 'import'])).toBe(0)
    expect(parse(printed.join('\n'))).toEqual({
      servers: {
        files: { command: 'npx', args: ['fs'] },
        github: { url: 'https://g.example/mcp', headers: { Authorization: 'Bearer ${GH}' } },
        'github-2': { command: 'npx', args: ['gh'], env: { GITHUB_TOKEN: secret } },
      },
    })
    const words = told.join('\n')
    expect(words).toContain(
      '.cursor/mcp.json (Cursor)\n  toolgate is left out: it is Toolgate itself\n  GitHub is called github-2',
    )
    expect(words).toMatch(/not set here[^]*\n {2}GH\n/)
    expect(words).toContain('servers.github-2.env.GITHUB_TOKEN  ${GITHUB_TOKEN}')
    expect(words).not.toContain(secret)
  })

  it('puts them into a configuration, says what was there, and asks only about what is new', async () => {
    const from = file('mcp.json', cursor)
    const to = file('toolgate.yaml', '# mine\nservers:\n  github: { command: mine } # keep\n')
    expect(await run(['config', 'import', '--from', from, '--write', to])).toBe(0)
    const text = readFileSync(to, 'utf8')
    expect(text).toContain('# mine\nservers:\n  github: { command: mine } # keep\n  files:\n')
    const words = told.join('\n')
    expect(words).toContain(`Added to ${to}: files\nThere already, and left as they are: github`)
    expect(words).not.toContain('GITHUB_TOKEN')
    expect(printed).toEqual([])
  })

  it('makes a new configuration that only its owner can read', async () => {
    const to = join(folder, 'new.yaml')
    expect(await run(['config', 'import', '--from', file('mcp.json', cursor), '-w', to])).toBe(0)
    expect(statSync(to).mode & 0o777).toBe(0o600)
    expect(loadConfig({ path: to, env: {} }).servers.map(({ name }) => name)).toEqual(['github', 'files'])
  })

  it('goes on where one of several files cannot be read', async () => {
    file('.claude.json', '{ broken')
    file('.cursor/mcp.json', cursor)
    expect(await run(['config', 'import'])).toBe(0)
    expect(told.join('\n')).toContain('.claude.json (Claude Code)\n  left out: is not JSON')
  })

  it.each<[string[], number, string]>([
    [[], 1, 'No configuration of an MCP client was found'],
    [['--from', '/nowhere/mcp.json'], 78, '/nowhere/mcp.json: there is no such file'],
  ])('with %j ends with %i', async (args, code, words) => {
    expect(await run(['config', 'import', ...args])).toBe(code)
    expect(told.join('\n')).toContain(words)
  })

  it('says that there is nothing to import', async () => {
    expect(await run(['config', 'import', '--from', file('empty.json', '{}')])).toBe(1)
    expect(told.at(-1)).toBe('There are no servers to import.')
  })
})
