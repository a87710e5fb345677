import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { explainConfig } from './explain.ts'
import { loadConfig } from './load.ts'

const text = `listen:
  host: "\${HOST}"
  port: \${PORT}
storage: { path: data }
servers:
  files:
    command: npx
    args: [-y, some-server, "--api-key=\${KEY}"]
    env: { TOKEN: "\${A}\${B}\${A}" }
    labels: []
    description: |
      one # two
      three: four
  far:
    url: https://far.example/mcp?team=red&key
    credential: { kind: api_key, key: abc }
tokens:
  - name: me
    secret: tg_${'s'.repeat(40)}
    policies: [reader]
  - { name: you, hash: sha256:${'0'.repeat(64)} }
policies:
  reader:
    rules:
      - level: read
`
const env = { HOST: '::1', PORT: '80', KEY: 'k', A: 'a', B: 'b' }

describe('explainConfig', () => {
  const lines = explainConfig(loadConfig({ path: '/etc/toolgate.yaml', text, env })).split('\n')

  it.each([
    '  host: ::1 # ${HOST} (toolgate.yaml:2)',
    '  port: 80 # ${PORT} (toolgate.yaml:3)',
    '  allowedHosts: [] # default',
    '  path: /etc/data # toolgate.yaml:4',
    '  separator: __ # default',
    '  sessionsMax: 10000 # default',
    '    command: npx # toolgate.yaml:7',
    '      - -y # toolgate.yaml:8',
    '      - "[secret]" # ${KEY} (toolgate.yaml:8)',
    '      TOKEN: "[secret]" # ${A} ${B} (toolgate.yaml:9)',
    '    labels: [] # toolgate.yaml:10',
    '    description: "one # two\\nthree: four\\n" # toolgate.yaml:11',
    '    transport: stdio # default',
    '    isolation: shared # default',
    '    url: https://far.example/mcp?team=[secret]&[secret] # toolgate.yaml:15',
    '      kind: api_key # toolgate.yaml:16',
    '      key: "[secret]" # toolgate.yaml:16',
    '      header: x-api-key # default',
    '    headers: {} # default',
    '    transport: streamable_http # default',
    '    isolation: principal # default',
    '  - name: me # toolgate.yaml:18',
    '    secret: "[secret]" # toolgate.yaml:19',
    '      - reader # toolgate.yaml:20',
    `    hash: sha256:${'0'.repeat(64)} # toolgate.yaml:21`,
    '    policies: [] # default',
    '    default: deny # default',
    '      - server: "*" # default',
    '        level: read # toolgate.yaml:25',
  ])('has the line %j', (line) => {
    expect(lines).toContain(line)
  })

  it('names the origin of every value', () => {
    const leaves = lines.filter((line) => line !== '' && !/^ *(- )?[\w-]+:$/.test(line))
    expect(leaves.length).toBeGreaterThan(50)
    expect(
      leaves.filter((line) => !/ # (default|toolgate\.yaml:\d+|(\$\{\w+\} )+\(toolgate\.yaml:\d+\))$/.test(line)),
    ).toEqual([])
  })

  it('is YAML, and a configuration again once the secrets are put back', () => {
    const bare = 'servers: { a: { command: x }, b: { url: "wss://b.example/mcp" } }'
    const config = loadConfig({ path: '/etc/toolgate.yaml', text: bare, env: {} })
    const again = loadConfig({ path: '/etc/toolgate.yaml', text: explainConfig(config), env: {} })
    expect(again).toEqual(config)
    expect(parse(lines.join('\n'))).toHaveProperty('servers.far.url')
  })

  it('explains defaults where there is no file', () => {
    expect(explainConfig(loadConfig({ path: null, env: {} }))).toContain('servers: {} # default')
  })

  it('refuses what loadConfig did not make', () => {
    const copy = { ...loadConfig({ path: null, env: {} }) }
    expect(() => explainConfig(copy)).toThrow(TypeError)
  })
})
