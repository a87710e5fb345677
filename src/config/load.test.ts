import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '#contract/server.ts'
import { loadConfig } from './load.ts'

const load = (text: string, env: Record<string, string> = {}) =>
  loadConfig({ path: '/etc/toolgate/toolgate.yaml', text, env })
const serverOf = (definition: string, env?: Record<string, string>) =>
  load(`servers:\n  one: ${definition}`, env).servers[0]
const secret = `tg_${'s'.repeat(40)}`

describe('loadConfig', () => {
  it.each(['', '# only a comment\n', 'servers:\ntokens:\nlimits:\n', '\uFEFF', '---\n'])(
    'has a default for everything, given %j',
    (text) => {
      expect(load(text)).toMatchObject({
        listen: { host: '127.0.0.1', port: 4180, allowedHosts: [], allowedOrigins: [] },
        storage: { path: '/etc/toolgate/.toolgate' },
        egress: { allow: [] },
        naming: { separator: '__' },
        limits: { requestBytesMax: 4_194_304, sessionsMax: 10_000 },
        servers: [],
        tokens: [],
        policies: [],
      })
    },
  )

  it('keeps its data in the working directory where there is no file', () => {
    expect(loadConfig({ path: null, env: {} })).toMatchObject({
      path: null,
      storage: { path: join(process.cwd(), '.toolgate') },
    })
  })

  it('resolves folders from where the file is', () => {
    const config = load('storage: { path: data }\nservers: { one: { command: x, cwd: ../work } }')
    expect(config.storage.path).toBe('/etc/toolgate/data')
    expect(config.servers[0]?.transport).toMatchObject({ cwd: '/etc/work' })
    expect(load('storage: { path: /var/lib/toolgate }').storage.path).toBe('/var/lib/toolgate')
  })

  it('is deeply frozen', () => {
    const config = load(
      'servers: { one: { command: x, args: [a], env: { A: b } } }\npolicies: { p: { rules: [{ level: read }] } }',
    )
    const parts = [
      config,
      config.listen,
      config.limits,
      config.servers,
      config.servers[0]?.transport,
      config.policies[0]?.rules[0],
    ]
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true)
    const transport = config.servers[0]?.transport
    expect(transport?.kind === 'stdio' && [transport.args, transport.env].every((part) => Object.isFrozen(part))).toBe(
      true,
    )
  })
})

describe('servers of a configuration', () => {
  it.each([
    ['{ url: http://a.example/mcp }', 'streamable_http'],
    ['{ url: HTTPS://a.example/mcp }', 'streamable_http'],
    ['{ url: https://a.example/mcp, transport: http }', 'streamable_http'],
    ['{ url: https://a.example/mcp, transport: streamable_http }', 'streamable_http'],
    ['{ url: https://a.example/sse, transport: sse }', 'sse'],
    ['{ url: ws://a.example/mcp }', 'websocket'],
    ['{ url: wss://a.example/mcp }', 'websocket'],
    ['{ url: wss://a.example/mcp, transport: ws }', 'websocket'],
    ['{ url: wss://a.example/mcp, transport: websocket }', 'websocket'],
    ['{ command: npx }', 'stdio'],
    ['{ command: npx, transport: stdio }', 'stdio'],
  ])('%s is reached by %s', (definition, kind) => {
    expect(serverOf(definition)?.transport.kind).toBe(kind)
  })

  it("are the contract's, with every default", () => {
    const config = load('servers:\n  b: { url: https://a.example/mcp }\n  a: { command: npx }')
    expect(config.servers.map((server) => Server.parse(server))).toEqual(config.servers)
    expect(config.servers).toEqual([
      {
        name: 'b',
        transport: {
          kind: 'streamable_http',
          url: 'https://a.example/mcp',
          credential: { kind: 'none' },
          headers: {},
          forwardHeaders: [],
          variables: [],
        },
        isolation: 'principal',
        ...common,
      },
      { name: 'a', transport: { kind: 'stdio', command: 'npx', args: [], env: {} }, isolation: 'shared', ...common },
    ])
  })

  it.each([
    ['{ url: ws://a.example }', 'principal'],
    ['{ command: x }', 'shared'],
    ['{ command: x, isolation: session }', 'session'],
    ['{ url: http://a.example, isolation: shared }', 'shared'],
  ])('%s is isolated by %s', (definition, isolation) => {
    expect(serverOf(definition)?.isolation).toBe(isolation)
  })

  it.each([
    ['{ kind: bearer, token: abc }', { kind: 'bearer', token: 'abc' }],
    ['{ kind: api_key, key: abc }', { kind: 'api_key', key: 'abc', header: 'x-api-key' }],
    ['{ kind: api_key, key: abc, header: X-Key }', { kind: 'api_key', key: 'abc', header: 'X-Key' }],
    ['{ kind: basic, username: me, password: "" }', { kind: 'basic', username: 'me', password: '' }],
    ['{ kind: none }', { kind: 'none' }],
  ])('take the credential %s', (credential, expected) => {
    expect(serverOf(`{ url: http://a.example, credential: ${credential} }`)?.transport).toMatchObject({
      credential: expected,
    })
  })

  it('may send a static authorization header where there is no credential', () => {
    const server = serverOf('{ url: http://a.example, headers: { Authorization: x }, credential: { kind: none } }')
    expect(server?.transport).toMatchObject({ headers: { Authorization: 'x' } })
  })

  it('may be written with anchors', () => {
    const config = load(
      'servers:\n  a: &a { command: x, args: &args [1a, "${V}"] }\n  b: *a\n  c: { command: y, args: *args }',
      { V: 'v' },
    )
    expect(config.servers.map(({ transport }) => transport)).toEqual([
      { kind: 'stdio', command: 'x', args: ['1a', 'v'], env: {} },
      { kind: 'stdio', command: 'x', args: ['1a', 'v'], env: {} },
      { kind: 'stdio', command: 'y', args: ['1a', 'v'], env: {} },
    ])
  })
})

const common = {
  aliases: [],
  labels: [],
  isForEveryone: false,
  visibility: 'public',
  isEnabled: true,
  timeoutMs: 60_000,
  timeoutTotalMs: 600_000,
  idleStopMs: 600_000,
  listTtlMs: 300_000,
  protocol: 'auto',
}

describe('variables in a configuration', () => {
  it('are put into values wherever text is', () => {
    const env = { HOST: 'a.example', TOKEN: 'abc', NAME: 'V' }
    const config = load(
      'servers:\n  one:\n    url: https://${HOST}/mcp\n    headers: { x-a: "a-${TOKEN}" }\n    description: >\n      On\n      ${HOST}\n',
      env,
    )
    expect(config.servers[0]).toMatchObject({
      description: 'On a.example\n',
      transport: { url: 'https://a.example/mcp', headers: { 'x-a': 'a-abc' } },
    })
  })

  it.each(['a: b', '# c', '[1, 2]', '*x', '&x', '"', '{', '  s  ', 'null', '12', 'true', '- a', '| x'])(
    'are never read as YAML: %j',
    (value) => {
      expect(serverOf('{ command: "${V}" }', { V: value })?.transport).toMatchObject({ command: value })
    },
  )

  it('become numbers and booleans where those are wanted', () => {
    const config = load(
      'listen: { port: "${PORT}" }\nservers: { one: { command: x, isEnabled: "${ON}", timeoutMs: "${MS}" } }',
      {
        PORT: '8080',
        ON: 'false',
        MS: '0500',
      },
    )
    expect(config.listen.port).toBe(8080)
    expect(config.servers[0]).toMatchObject({ isEnabled: false, timeoutMs: 500 })
  })

  it.each(['', ' 80', '0x50', '8e1', '+80', '80.0', 'Infinity', '９', '1'.repeat(16), 'yes'])(
    'are not a number when they read %j',
    (value) => {
      expect(() => load('listen: { port: "${PORT}" }', { PORT: value })).toThrow(
        'listen.port: must be a number, not text',
      )
    },
  )

  it('keep within the limits of the number', () => {
    expect(() => load('listen: { port: "${PORT}" }', { PORT: '65536' })).toThrow('listen.port: must be at most 65535')
  })
})

describe('tokens of a configuration', () => {
  const hash = createHash('sha256').update(secret).digest('hex')

  it('keep the hash of the secret and nothing else of it', () => {
    const config = load(`tokens:\n  - { name: me, secret: ${secret}, policies: [p] }\npolicies: { p: {} }`)
    expect(config.tokens).toEqual([{ name: 'me', hash, policies: ['p'], expiresAt: null }])
    expect(inspect(config, { depth: 20, showHidden: true })).not.toContain(secret)
  })

  it('take a hash in either case of letters', () => {
    expect(load(`tokens: [{ name: me, hash: sha256:${hash.toUpperCase()} }]`).tokens[0]?.hash).toBe(hash)
  })

  it.each([
    ['2027-01-31', Date.UTC(2027, 0, 31)],
    ['2027-01-31T12:00:00Z', Date.UTC(2027, 0, 31, 12)],
    ['2027-01-31T12:00:00+02:00', Date.UTC(2027, 0, 31, 10)],
  ])('expire at %s', (text, expected) => {
    expect(load(`tokens: [{ name: me, secret: ${secret}, expiresAt: "${text}" }]`).tokens[0]?.expiresAt).toBe(expected)
  })

  it('may do nothing where no policy is named', () => {
    expect(load(`tokens: [{ name: me, secret: ${secret} }]`).tokens[0]?.policies).toEqual([])
  })
})

describe('policies of a configuration', () => {
  it('deny by default and get their names', () => {
    expect(load('policies:\n  p: { rules: [{ level: read }] }\n  q:\n    default: execute').policies).toEqual([
      { name: 'p', default: 'deny', rules: [{ server: '*', tool: '*', level: 'read' }] },
      { name: 'q', default: 'execute', rules: [] },
    ])
  })
})

describe('a configuration file', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'toolgate-load-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const file = (content: string | Uint8Array): string => {
    const path = join(folder, 'toolgate.yaml')
    writeFileSync(path, content)
    return path
  }

  it('is read from the disk, a byte order mark included', () => {
    expect(loadConfig({ path: file('\uFEFFlisten: { port: 1 }'), env: {} }).listen.port).toBe(1)
  })

  it('is read whole where a letter of several bytes lies across two pieces', () => {
    const text = `# ${'é'.repeat(20_000)}\nlisten: { port: 1 }`
    expect(loadConfig({ path: file(text), env: {} }).listen.port).toBe(1)
    expect(loadConfig({ path: file(`#${text}`), env: {} }).listen.port).toBe(1)
  })

  it('is refused when it is not there', () => {
    const path = join(folder, 'other.yaml')
    expect(() => loadConfig({ path, env: {} })).toThrow(
      `The configuration is not valid:\n  ${path}: there is no such file`,
    )
  })

  it('is refused when it is a folder', () => {
    expect(() => loadConfig({ path: folder, env: {} })).toThrow('is a folder, not a file')
  })

  it('is refused when it is not UTF-8', () => {
    expect(() => loadConfig({ path: file(Uint8Array.of(0x61, 0xff, 0xfe)), env: {} })).toThrow('is not UTF-8 text')
  })

  it('is refused above 1 MiB, and read at exactly that', () => {
    expect(loadConfig({ path: file(`#${' '.repeat(1_048_575)}`), env: {} }).servers).toEqual([])
    expect(() => loadConfig({ path: file(`#${' '.repeat(1_048_576)}`), env: {} })).toThrow(
      'is larger than 1048576 bytes',
    )
    expect(() => load(`#${'é'.repeat(524_288)}`)).toThrow('is larger than 1048576 bytes')
  })
})
