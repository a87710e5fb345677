import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'

/** Lines as people see them, without the title. */
function complaints(text: string, env: Record<string, string> = {}): string[] {
  try {
    loadConfig({ path: 'toolgate.yaml', text, env })
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replace(/^toolgate\.yaml:/, ''))
    throw error
  }
  return []
}

const secret = `tg_${'s'.repeat(40)}`

describe('a key that is not known', () => {
  it.each([
    ['sever:\n  a: 1', '1:1: sever: unknown key; did you mean "servers"?'],
    ['listen:\n  prot: 1', '2:3: listen.prot: unknown key; did you mean "port"?'],
    [
      'limits: { request_bytes_max: 1 }',
      '1:11: limits.request_bytes_max: unknown key; did you mean "requestBytesMax"?',
    ],
    ['servers:\n  a:\n    command: x\n    arg: [y]', '4:5: servers.a.arg: unknown key; did you mean "args"?'],
    ['servers:\n  a:\n    command: x\n    zzz: 1', '4:5: servers.a.zzz: unknown key'],
    [
      'servers: { a: { url: "http://x", credential: { kind: bearer, token: x, usrname: y } } }',
      '1:72: servers.a.credential.usrname: unknown key; did you mean "username"?',
    ],
    [
      `tokens:\n  - name: me\n    secret: ${secret}\n    policy: [a]`,
      '4:5: tokens[0].policy: unknown key; did you mean "policies"?',
    ],
    ['policies: { p: { defualt: read } }', '1:18: policies.p.defualt: unknown key; did you mean "default"?'],
    [
      'policies: { p: { rules: [{ level: read, tools: x }] } }',
      '1:41: policies.p.rules[0].tools: unknown key; did you mean "tool"?',
    ],
    ['storage: { path: x, pth: y }', '1:21: storage.pth: unknown key; did you mean "path"?'],
    ['egress: { alow: [] }', '1:11: egress.alow: unknown key; did you mean "allow"?'],
    ['egress: { allow: [10.0.0.0/33] }', '1:19: egress.allow[0]: must be an address, or a range such as 10.0.0.0/8'],
    ['egress: { allow: [localhost] }', '1:19: egress.allow[0]: must be an address, or a range such as 10.0.0.0/8'],
    ['naming: { seperator: "-" }', '1:11: naming.seperator: unknown key; did you mean "separator"?'],
    ['<<: { listen: { port: 1 } }', '1:1: [hidden]: unknown key'],
  ])('%j is refused', (text, line) => {
    expect(complaints(text)).toEqual([line])
  })
})

const credentialKinds =
  '"none", "bearer", "api_key", "basic", "authorization", "token", "oauth2_client_credentials", "oauth2_authorization_code", "oauth2_token_exchange", "aws_sigv4"'

describe('a value of the wrong kind', () => {
  it.each([
    ['- a', '1:1: must be a map of keys, not a list'],
    ['just text', '1:1: must be a map of keys, not text'],
    ['servers: [a]', '1:10: servers: must be a map of keys, not a list'],
    ['servers: { a: }', '1:12: servers.a: must be a map of keys, not empty'],
    ['servers: { a: text }', '1:15: servers.a: must be a map of keys, not text'],
    ['tokens: { a: 1 }', '1:9: tokens: must be a list, not a map of keys'],
    ['listen: { host: 127 }', '1:17: listen.host: must be text, not a number; put it in quotes'],
    ['listen: { host: http://x }', '1:17: listen.host: must be a host name or an address, without scheme and path'],
    ['listen: { port: "80" }', '1:17: listen.port: must be a number, not text'],
    ['listen: { port: 1.5 }', '1:17: listen.port: must be a whole number, not a fraction'],
    ['listen: { port: .inf }', '1:17: listen.port: must be a number, not infinite'],
    ['listen: { port: -1 }', '1:17: listen.port: must be at least 0'],
    ['listen: { port: 65536 }', '1:17: listen.port: must be at most 65535'],
    ['listen: { port: }', '1:11: listen.port: must be a number, not empty'],
    [
      'listen: { publicUrl: example.com }',
      '1:22: listen.publicUrl: must be a complete URL of a scheme that is allowed here',
    ],
    [
      'listen: { publicUrl: "ftp://example.com" }',
      '1:22: listen.publicUrl: must be a complete URL of a scheme that is allowed here',
    ],
    [
      'listen: { publicUrl: "https://example.com/?a=b" }',
      '1:22: listen.publicUrl: must not contain a user name, a password, a query or a fragment',
    ],
    [
      'listen: { allowedOrigins: ["https://a.example/"] }',
      '1:28: listen.allowedOrigins[0]: must be an origin: scheme, host and port, without a path',
    ],
    ['naming: { separator: / }', '1:22: naming.separator: must be one of "__", "-", "."'],
    ['storage: { path: "" }', '1:18: storage.path: must not be empty'],
    ['limits: { parkedCallMs: 3000000000 }', '1:25: limits.parkedCallMs: must be at most 2147483647'],
    ['servers: { a: { command: x, isEnabled: yes } }', '1:40: servers.a.isEnabled: must be true or false, not text'],
    ['servers: { a: { command: x, args: y } }', '1:35: servers.a.args: must be a list, not text'],
    [
      'servers: { a: { command: x, args: [8080] } }',
      '1:36: servers.a.args[0]: must be text, not a number; put it in quotes',
    ],
    [
      'servers: { a: { command: x, env: { A: true } } }',
      '1:39: servers.a.env.A: must be text, not true or false; put it in quotes',
    ],
    [
      'servers: { a: { command: x, env: { "A B": x } } }',
      '1:36: servers.a.env.[hidden]: is not a valid name of an environment variable',
    ],
    ['servers: { a: { command: "a\\0b" } }', '1:26: servers.a.command: must not contain a NUL character'],
    ['servers: { a: { command: "" } }', '1:26: servers.a.command: must not be empty'],
    ['servers: { a: { url: "" } }', '1:22: servers.a.url: must be a complete URL of a scheme that is allowed here'],
    [
      'servers: { a: { url: "http://x", transport: tcp } }',
      '1:45: servers.a.transport: must be one of "streamable_http", "http", "sse", "websocket", "ws", "stdio"',
    ],
    [
      'servers: { a: { url: "http://x", headers: { x-a: "a\\r\\nb: c" } } }',
      '1:50: servers.a.headers.x-a: must be a single line of printable characters',
    ],
    [
      'servers: { a: { url: "http://x", headers: { "x:a": b } } }',
      '1:45: servers.a.headers.[hidden]: is not a valid HTTP header name',
    ],
    [
      'servers: { a: { url: "http://x", credential: { kind: oauth } } }',
      `1:54: servers.a.credential.kind: must be one of ${credentialKinds}`,
    ],
    [
      'servers: { a: { url: "http://x", credential: { token: x } } }',
      `1:34: servers.a.credential.kind: is required: one of ${credentialKinds}`,
    ],
    [
      'servers: { a: { url: "http://x", credential: { kind: bearer } } }',
      '1:34: servers.a.credential.token: is required: text',
    ],
    [
      'servers: { a: { url: "http://x", credential: { kind: bearer, token: "a\\n" } } }',
      '1:69: servers.a.credential.token: must be a single line of printable characters',
    ],
    [
      'servers: { a: { url: "http://x", credential: { kind: basic, username: "a:b", password: c } } }',
      '1:71: servers.a.credential.username: must not contain a colon or a control character',
    ],
    ['tokens: [{ name: me, secret: tg_short }]', `1:30: tokens[0].secret: ${tokenRule()}`],
    [`tokens: [{ name: me, secret: "${secret} " }]`, `1:30: tokens[0].secret: ${tokenRule()}`],
    ['tokens: [{ name: me, hash: sha256:abc }]', '1:28: tokens[0].hash: must be "sha256:" and 64 hexadecimal digits'],
    [`tokens: [{ secret: ${secret} }]`, '1:10: tokens[0].name: is required: text'],
    [
      `tokens: [{ name: me, secret: ${secret}, expiresAt: 2027-02-30 }]`,
      '1:86: tokens[0].expiresAt: must be a date such as 2027-01-31, or a date and time with its zone such as 2027-01-31T12:00:00Z',
    ],
    [
      `tokens: [{ name: me, secret: ${secret}, expiresAt: 2027-02-03T12:00:00 }]`,
      '1:86: tokens[0].expiresAt: must be a date such as 2027-01-31, or a date and time with its zone such as 2027-01-31T12:00:00Z',
    ],
    [
      'policies: { p: { default: write } }',
      '1:27: policies.p.default: must be one of "deny", "read", "execute", "admin"',
    ],
    [
      'policies: { p: { rules: [{ tool: x }] } }',
      '1:26: policies.p.rules[0].level: is required: one of "deny", "read", "execute", "admin"',
    ],
  ])('%j is refused', (text, line) => {
    expect(complaints(text)).toEqual([line])
  })
})

function tokenRule(): string {
  return 'must be "tg_" and 32 to 200 letters, digits, _ or -; 49 of them end with the checksum of a token made by Toolgate'
}

describe('a server whose keys do not fit together', () => {
  it.each([
    ['{}', '2:6: servers.a: needs "url" or "command"'],
    [
      '{ url: "http://x", command: y }',
      '2:25: servers.a.command: excludes "url": a server is either reached or started',
    ],
    ['{ url: "http://x", args: [] }', '2:25: servers.a.args: belongs to a server with "command"'],
    ['{ command: x, headers: {} }', '2:20: servers.a.headers: belongs to a server with "url"'],
    ['{ command: x, transport: http }', '2:31: servers.a.transport: must be "stdio" with "command"'],
    ['{ url: "http://x", transport: stdio }', '2:36: servers.a.transport: must not be "stdio" with "url"'],
    [
      '{ url: "http://x", transport: ws }',
      '2:13: servers.a.url: must start with ws:// or wss:// for the transport that is named',
    ],
    [
      '{ url: "ws://x", transport: sse }',
      '2:13: servers.a.url: must start with http:// or https:// for the transport that is named',
    ],
    [
      '{ url: "http://me:pw@x" }',
      '2:13: servers.a.url: must not contain a user name or a password; use "credential" with kind "basic"',
    ],
    [
      '{ url: "http://x", cookies: { names: [a, "*"] } }',
      '2:47: servers.a.cookies.names[1]: "*" passes every cookie on, which only a server on the host of publicUrl, or below it, may have',
    ],
    [
      '{ url: "http://x", headers: { authorization: y }, credential: { kind: bearer, token: z } }',
      '2:36: servers.a.headers.authorization: cannot be set together with this "credential"; keep one of the two',
    ],
    [
      '{ url: "http://x", headers: { AUTHORIZATION: y }, credential: { kind: basic, username: u, password: p } }',
      '2:36: servers.a.headers.AUTHORIZATION: cannot be set together with this "credential"; keep one of the two',
    ],
    [
      '{ url: "http://x", headers: { Authorization: y }, credential: { kind: api_key, key: z } }',
      '2:36: servers.a.headers.Authorization: cannot be set together with this "credential"; keep one of the two',
    ],
    [
      '{ url: "http://x", headers: { X-Api-Key: y }, credential: { kind: api_key, key: z } }',
      '2:36: servers.a.headers.X-Api-Key: cannot be set together with this "credential"; keep one of the two',
    ],
    [
      '{ url: "http://x", headers: { x-a: b, X-A: c } }',
      '2:44: servers.a.headers.X-A: is the same header as one above, in other letters',
    ],
    [
      '{ url: "http://x", headers: { Content-Length: "1" } }',
      '2:36: servers.a.headers.Content-Length: is written by the gateway itself',
    ],
  ])('%j is refused', (definition, line) => {
    expect(complaints(`servers:\n  a: ${definition}`)).toEqual([line])
  })
})

describe('names that clash or lead nowhere', () => {
  it.each([
    ['a', 'Upper'],
    ['a', '-a'],
    ['a', 'a__b'],
    ['a', 'mcp'],
    ['a', 'a'.repeat(41)],
  ])('%s is a name and %s is not', (good, bad) => {
    const lines = complaints(`servers:\n  ${good}: { command: x }\n  "${bad}": { command: x }`)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^3:3: servers\./)
  })

  it('refuses an alias that is a name, its own included, or already an alias', () => {
    const text =
      'servers:\n  a: { command: x, aliases: [b, a, c, c] }\n  b: { command: x, aliases: [c, d] }\n  e: { command: x, aliases: [d, toString] }'
    expect(complaints(text)).toEqual([
      '2:30: servers.a.aliases[0]: is the name of a server',
      '2:33: servers.a.aliases[1]: is the name of a server',
      '2:39: servers.a.aliases[3]: is already an alias of "a"',
      '3:30: servers.b.aliases[0]: is already an alias of "a"',
      '4:30: servers.e.aliases[0]: is already an alias of "b"',
      '4:33: servers.e.aliases[1]: use a-z, 0-9, _ and -, starting with a letter or digit, at most 40 characters',
    ])
  })

  it('refuses names with the separator in them', () => {
    expect(complaints('naming: { separator: "-" }\nservers:\n  a-b: { command: x, aliases: [c-d, e] }')).toEqual([
      '3:3: servers.a-b: contains the separator that "naming" sets',
      '3:32: servers.a-b.aliases[0]: contains the separator that "naming" sets',
    ])
  })

  it('refuses a policy that is not there, and says which is meant', () => {
    const text = `policies: { reader: {}, writer: {} }\ntokens: [{ name: me, secret: ${secret}, policies: [reder, foo, writer, toString] }]`
    expect(complaints(text)).toEqual([
      '2:86: tokens[0].policies[0]: names a policy that is not there; did you mean "reader"?',
      '2:93: tokens[0].policies[1]: names a policy that is not there',
      '2:106: tokens[0].policies[3]: names a policy that is not there',
    ])
  })

  it('refuses two tokens of one name, and one token under two names', () => {
    const text = `tokens:\n  - { name: me, secret: ${secret} }\n  - { name: me, secret: ${secret}1 }\n  - { name: you, secret: ${secret} }`
    expect(complaints(text)).toEqual([
      '3:13: tokens[1].name: is already the name of another token',
      '4:5: tokens[2]: is the same token as another one; nobody could tell them apart',
    ])
  })

  it('wants exactly one of secret and hash', () => {
    const text = `tokens:\n  - name: me\n  - { name: you, secret: ${secret}, hash: sha256:${'0'.repeat(64)} }`
    expect(complaints(text)).toEqual([
      '2:5: tokens[0]: needs "secret" or "hash"',
      '3:5: tokens[1]: "secret" and "hash" exclude each other',
    ])
  })

  it('keeps policy names of its own', () => {
    expect(complaints('policies:\n  toolgate-admin: { default: read }\n  toolgate: {}')).toEqual([
      '2:3: policies.toolgate-admin: must not start with "toolgate-"',
    ])
  })

  it('refuses a rule that names an alias, because it would never match', () => {
    const text =
      'servers: { files: { command: x, aliases: [fs] } }\npolicies: { p: { rules: [{ server: fs, level: deny }, { server: other, level: deny }] } }'
    expect(complaints(text)).toEqual([
      '2:36: policies.p.rules[0].server: is an alias; rules use the real name of "files"',
    ])
  })
})

describe('text that is not the YAML we read', () => {
  it.each([
    ['listen:\n\tport: 1', '2:1: is indented with a tab; use spaces'],
    ['listen: { port: 1', '1:18: '],
    ['a: "b', '1:6: lacks a character'],
    ['a: b: c', '1:4: has a second "key:" on one line'],
    ['a: @b', '1:4: starts with a character that YAML reserves'],
    ['listen: {}\n---\nlisten: {}', '2:1: starts a second document; only one is allowed'],
    ['listen: { host: !secret x }', '1:17: has a YAML tag; put a value that starts with ! in quotes'],
    ['listen: { host: !!str 1 }', '1:23: listen.host: has a YAML tag; put a value that starts with ! in quotes'],
    ['%YAML 1.1\n---\nlisten: {}', '1:1: asks for another YAML version; only 1.2 is read'],
    [
      'listen: { host: *x }',
      '1:17: listen.host: names an anchor that does not stand above it; put a value that starts with * in quotes',
    ],
    ['listen: { host: a, port: 1, host: b }', '1:29: listen: has the same key twice'],
    ['servers:\n  a: { command: x }\n  a: { command: y }', '3:3: servers: has the same key twice'],
    ['servers: { "1": { command: x }, 1: { command: y } }', '1:33: servers: has the same key twice'],
    ['__proto__: { a: 1 }', '1:1: has a key that is not allowed'],
    ['? [a, b]\n: c', '1:3: has a key that is not plain text'],
    [
      'servers: { a: { command: x, env: { A=b } } }',
      '1:36: servers.a.env: has a key without a value; write "key: value", with a space after the colon',
    ],
    ['listen: { port: ${PORT} }', '; within { } and [ ], "${NAME}" needs quotes'],
  ])('%j is refused', (text, line) => {
    const [first] = complaints(text)
    expect(first).toContain(line)
  })

  it.each([
    ['deep lists', '['.repeat(100_000)],
    ['deep maps', Array.from({ length: 60 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['an anchor within itself', 'servers: &s { a: *s }'],
    ['an anchor within itself, many times', `tokens: &t [${'*t, '.repeat(50)}]`],
    [
      'a bomb of aliases',
      ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
        .concat(Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`))
        .join('\n'),
    ],
  ])('%s is refused in a line or two', (_, text) => {
    const lines = complaints(text)
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThan(5)
    expect(lines.join('\n')).toMatch(/nested too deeply|holds more than 100000 values/)
  })

  it('is told by the first of its faults, not by every echo', () => {
    expect(complaints('a: {\n'.repeat(50)).length).toBeLessThanOrEqual(3)
  })
})

describe('a variable', () => {
  it('that is not set is named with its place', () => {
    expect(complaints('listen:\n  host: ${HOST}\nservers:\n  a: { url: "https://x/${A}/${B}" }', { A: 'a' })).toEqual([
      '2:9: listen.host: the environment variable HOST is not set',
      '4:29: servers.a.url: the environment variable B is not set',
    ])
  })

  it('is found in a text of several lines', () => {
    expect(complaints('servers:\n  a:\n    command: x\n    description: |\n      one\n      two ${TWO}\n')).toEqual([
      '6:11: servers.a.description: the environment variable TWO is not set',
    ])
  })

  it('that is malformed is not quoted', () => {
    expect(complaints('listen: { host: "${ABC-DEF}" }')).toEqual([
      '1:18: listen.host: "${" must be followed by the name of an environment variable and "}"; write "$${" for a plain "${"',
    ])
  })

  it('is blamed at the place where it stands, wherever its alias is used', () => {
    expect(complaints('servers:\n  a: { command: x, args: &x ["${V}"] }\n  b: { command: x, args: *x }')).toEqual([
      '2:31: servers.a.args[0]: the environment variable V is not set',
      '2:31: servers.b.args[0]: the environment variable V is not set',
    ])
  })
})

describe('ConfigError', () => {
  it('tells all problems at once, in the order of the text', () => {
    const text =
      'servers:\n  a: { url: nope, comand: x }\n  b: { command: "${B}" }\nlisten: { port: 99999, prot: 1 }\ntokens: 5'
    const error = caught(text)
    expect(error.problems).toEqual([
      problem('2:13', 'servers.a.url', 'must be a complete URL of a scheme that is allowed here'),
      problem('2:19', 'servers.a.comand', 'unknown key; did you mean "command"?'),
      problem('3:18', 'servers.b.command', 'the environment variable B is not set'),
      problem('4:17', 'listen.port', 'must be at most 65535'),
      problem('4:24', 'listen.prot', 'unknown key; did you mean "port"?'),
      problem('5:9', 'tokens', 'must be a list, not a number'),
    ])
    expect(error.message.split('\n')[0]).toBe('The configuration has 6 problems:')
    expect(error.name).toBe('ConfigError')
  })

  it('lists fifty problems and counts the rest', () => {
    const servers = Array.from({ length: 60 }, (_, index) => `  s${index}: {}`).join('\n')
    const error = caught(`servers:\n${servers}`)
    expect(error.problems).toHaveLength(60)
    expect(error.message.split('\n').at(-1)).toBe('  … and 10 more')
  })
})

function caught(text: string): ConfigError {
  try {
    loadConfig({ path: 'toolgate.yaml', text, env: {} })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

function problem(place: string, path: string, message: string) {
  const [line, column] = place.split(':').map(Number)
  return { file: 'toolgate.yaml', line, column, path, message }
}
