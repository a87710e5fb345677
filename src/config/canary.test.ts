/** Plants a secret at every place of a document, in every way of getting it wrong, and looks for it in every message. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { explainConfig } from './explain.ts'
import { loadConfig } from './load.ts'
import type { LoadedConfig } from './loaded-config.ts'

const canary = 'sk-hunter93741'
/** Nothing tells that this one is a secret. */
const plain = 'Hunter'
const digits = '9374193741'

/** `@` is where the canary goes; the rest is a document without fault. */
const template = (at: number, planted: string): string => {
  let index = 0
  const token = `tg_${'t'.repeat(40)}`
  return `
listen:
  host: @{localhost}
  port: @{4180}
  publicUrl: @{https://gateway.example}
  allowedHosts: [@{a.example}]
  allowedOrigins: [@{https://a.example}]
storage: { path: @{data} }
naming: { separator: @{__} }
limits: { sessionsMax: @{10} }
servers:
  remote:
    url: @{https://remote.example/mcp}
    transport: @{http}
    credential:
      kind: @{bearer}
      token: @{abc}
    headers:
      x-team: @{red}
    aliases: [@{far}]
    isEnabled: @{true}
    isolation: @{shared}
    timeoutMs: @{1000}
  keyed:
    url: https://keyed.example/mcp
    credential: { kind: api_key, key: @{abc}, header: @{x-key} }
  basic:
    url: https://basic.example/mcp
    credential: { kind: basic, username: @{me}, password: @{abc} }
  issued:
    url: "https://issued.example/$\${A}/mcp"
    credential:
      kind: oauth2_client_credentials
      tokenUrl: @{https://as.example/token}
      clientId: @{me}
      clientSecret: @{abc}
      scopes: [@{all}]
      extraParameters: { more: @{abc} }
    forwardHeaders: [@{x-a}]
    cookies: { names: [@{session}], prefix: @{a} }
    variables: [{ name: A, scope: @{global}, value: @{abc} }]
  named:
    url: https://named.example/mcp
    credential: { kind: bearer, token: { secretRef: @{kept} } }
  local:
    command: @{npx}
    args: [@{-y}, --token, @{abc}]
    env:
      TOKEN: @{abc}
    cwd: @{.}
    description: @{text}
secrets:
  kept: @{abc}
tokens:
  - name: @{me}
    secret: @{${token}}
    policies: [@{reader}]
    expiresAt: @{2099-01-01}
  - { name: you, hash: @{sha256:${'0'.repeat(64)}} }
policies:
  reader:
    default: @{read}
    rules:
      - { server: @{files}, tool: @{read}, level: @{deny} }
`.replaceAll(/@\{([^}]*)\}/g, (_, good: string) =>
    index++ === at ? planted : JSON.stringify(good).replace(/^"(\d+|true)"$/, '$1'),
  )
}

const places = Array.from({ length: 60 }, (_, index) => index).filter((at) => template(at, plain).includes(plain))

/** Ways in which a value can be wrong, or mistaken for something else. */
const wrongValues = (secret: string): string[] => [
  `"${secret}"`,
  secret,
  `{ ${secret} }`,
  `{ a: ${secret} }`,
  `[ ${secret} ]`,
  `[[ ${secret} ]]`,
  digits,
  `-${digits}`,
  `0.${digits}`,
  `*${secret}`,
  `&${secret}`,
  `!${secret}`,
  `!${secret} x`,
  `!!binary ${secret}`,
  `@${secret}`,
  `%${secret}`,
  `\`${secret}`,
  `"${secret}`,
  `'${secret}`,
  `"\\q${secret}"`,
  `"\\u00${secret}"`,
  `|${secret}`,
  `>${secret}`,
  `a: ${secret}`,
  `? ${secret}`,
  `- ${secret}`,
  `"\${${secret}"`,
  `"\${${secret}-}"`,
  `"\${X} ${secret}"`,
  `"${secret}\\r\\nx: y"`,
  `"${secret}\\0"`,
  `"https://user:${secret}@host.example/"`,
  `"https://user:${secret}@bad host/"`,
  `"ftp://host.example/${secret}"`,
  `"ws://host.example/${secret}"`,
  `"http://${secret}"`,
  `"tg_${secret}"`,
  `"sha256:${secret}"`,
  `"2027-01-01 ${secret}"`,
  `{ kind: ${secret} }`,
  `{ kind: bearer, token: [${secret}] }`,
  `{ server: ${secret} }`,
  `{ API_KEY=${secret} }`,
  `{ "Authorization: Bearer ${secret}": 1 }`,
  `{ __proto__: ${secret} }`,
  `{ <<: ${secret} }`,
  `}${secret}`,
  `]${secret}`,
  `,${secret}`,
]

/** Keys and names of variables are shown, unless they look like a secret. */
const wrongKeys = [
  `{ ${canary}: 1 }`,
  `${canary}: a`,
  `{ kind: bearer, ${canary}: 1 }`,
  `{ ${canary}: 1, ${canary}: 2 }`,
]

/** The error as text, or the configuration that was loaded. */
function attempt(text: string, env: Record<string, string> = {}): { error: string } | { config: LoadedConfig } {
  try {
    return { config: loadConfig({ path: '/etc/toolgate.yaml', text, env }) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return {
      error: [error.message, error.stack, inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error)].join(
        '\n',
      ),
    }
  }
}

function leaks(text: string): boolean {
  return /hunter|93741/i.test(text)
}

describe('a secret in the configuration', () => {
  it('is planted in a document that is good without it', () => {
    const result = attempt(template(-1, ''))
    expect(result).toHaveProperty('config')
    expect(places).toHaveLength(48)
  })

  it.each([...wrongValues(canary), ...wrongValues(plain), ...wrongKeys])(
    'is in no message where a value is %s',
    (planted) => {
      const messages = places
        .map((at) => attempt(template(at, planted)))
        .flatMap((result) => ('error' in result ? [result.error] : []))
      expect(messages.length).toBeGreaterThan(0)
      expect(messages.filter(leaks)).toEqual([])
    },
  )

  it('is in no message where it comes from a variable', () => {
    for (const value of [canary, `https://u:${canary}@h/`, `${canary}\n`, `\${${canary}}`, digits, `*${canary}`]) {
      const results = places.map((at) => attempt(template(at, '"${SECRET}"'), { SECRET: value }))
      const messages = results.flatMap((result) => ('error' in result ? [result.error] : []))
      expect(messages.length).toBeGreaterThan(10)
      expect(messages.filter(leaks)).toEqual([])
    }
  })

  it('is in no message where it is the name of a key', () => {
    const keys = [canary, `tg_${canary}`, `API_KEY=${canary}`, `Bearer ${canary}`, `"${canary}: x"`]
    for (const key of keys) {
      const texts = [
        `${key}: 1`,
        `servers: { ${key}: { command: x } }`,
        `servers: { a: { command: x, env: { ${key}: 1 } } }`,
        `policies: { ${key}: 1 }`,
      ]
      const messages = texts.map((text) => attempt(text)).flatMap((result) => ('error' in result ? [result.error] : []))
      expect(messages.length).toBeGreaterThan(1)
      expect(messages.filter(leaks)).toEqual([])
    }
  })
})

const secrets = `
servers:
  a: { url: "https://a.example/mcp?key=${canary}", credential: { kind: bearer, token: ${canary} }, headers: { x-a: ${canary} } }
  b: { url: "https://b.example/${canary}/mcp", credential: { kind: api_key, key: ${canary} } }
  c: { url: "https://c.example/\${SECRET}/mcp", credential: { kind: basic, username: me, password: ${canary} } }
  d:
    command: x
    args: [--token, abc-hunter, "--key=${canary}", "\${SECRET}", "postgres://me:${canary}@db/x", "Authorization: Bearer ${canary}"]
    env: { A: ${canary} }
tokens: [{ name: me, secret: tg_${canary.repeat(4)} }]
`

describe('a configuration that was loaded', () => {
  const config = loadConfig({ path: '/etc/toolgate.yaml', text: secrets, env: { SECRET: canary } })

  it.each([
    ['explained', () => explainConfig(config)],
    ['turned into JSON', () => JSON.stringify(config)],
    ['inspected', () => inspect(config, { depth: 20 })],
    ['part of some JSON', () => JSON.stringify({ config: [config] })],
    ['inspected server by server', () => config.servers.map((server) => inspect(server, { depth: 20 })).join()],
    [
      'inspected part by part',
      () =>
        config.servers
          .flatMap(({ transport }) => Object.values(transport))
          .filter((part) => typeof part === 'object')
          .map((part) => inspect(part))
          .join(),
    ],
    ['inspected token by token', () => inspect(config.tokens)],
  ])('shows no secret when it is %s', (_, show) => {
    expect(show()).not.toMatch(/hunter|93741/)
    expect(show().length).toBeGreaterThan(10)
  })

  it('keeps the secrets as plain strings for those who use them', () => {
    const [a, , , d] = config.servers
    expect(a?.transport).toMatchObject({ credential: { token: canary }, headers: { 'x-a': canary } })
    expect(d?.transport).toMatchObject({ env: { A: canary } })
  })

  it('does not make two servers alike that differ in a credential only', () => {
    const one = (token: string) =>
      loadConfig({
        path: null,
        text: `servers: { a: { url: "http://x", credential: { kind: bearer, token: ${token} } } }`,
        env: {},
      })
    expect(JSON.stringify(one('t1').servers)).not.toBe(JSON.stringify(one('t2').servers))
  })
})
