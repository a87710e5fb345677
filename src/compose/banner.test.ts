import { describe, expect, it } from 'vitest'
import { banner, type Banner } from './banner.ts'

const token = `tg_${'a'.repeat(49)}`
const facts: Banner = {
  address: 'http://127.0.0.1:4180',
  dataPath: '/home/me/.toolgate',
  configPath: null,
  admin: { name: 'admin', password: 'correct-horse', token },
  servers: [
    { name: 'everything', transport: 'streamable_http' },
    { name: 'files', transport: 'stdio' },
  ],
  separator: '__',
  kind: 'examples',
  program: 'toolgate',
  clients: [],
}

/** The text of a block that begins with `start`, as a person would copy it. */
function block(text: string, start: string): string {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => line.trimStart().startsWith(start))
  const rest = lines.slice(first)
  const end = rest.findIndex((line) => line === '')
  return rest.slice(0, end === -1 ? undefined : end).join('\n')
}

describe('banner', () => {
  it('shows the address, where the data lies, the token once as such, and each server`s own address', () => {
    const text = banner(facts)
    expect(text).toContain('Toolgate is up at http://127.0.0.1:4180/mcp\n')
    expect(text).toContain('  Data    /home/me/.toolgate\n')
    expect(text).toContain(`  Token   ${token}\n`)
    expect(text).toContain('  files       stdio            http://127.0.0.1:4180/files/mcp\n')
  })

  it('holds an entry for mcpServers that is JSON as it stands', () => {
    expect(JSON.parse(block(banner(facts), '{'))).toEqual({
      mcpServers: {
        toolgate: {
          type: 'http',
          url: 'http://127.0.0.1:4180/mcp',
          headers: { Authorization: `Bearer ${token}` },
        },
      },
    })
  })

  it('calls a tool of what is there, under the name that it has there', () => {
    expect(block(banner(facts), 'curl')).toContain('"name":"everything__echo"')
    const demo = [{ name: 'demo', transport: 'stdio' }]
    expect(block(banner({ ...facts, servers: demo, separator: '.' }), 'curl')).toContain("-H 'Mcp-Name: demo.echo'")
    const call = block(banner({ ...facts, servers: [] }), 'curl')
    expect(call).toContain('"method":"tools/list"')
    expect(call).not.toContain('Mcp-Name')
  })

  it.each(['everything', 'demo', 'other'])('has a body that is JSON in its call, with the server %s', (name) => {
    const call = block(banner({ ...facts, servers: [{ name, transport: 'stdio' }] }), 'curl')
    const body = /-d '([^']*)'/.exec(call)?.[1] ?? ''
    expect(JSON.parse(body)).toMatchObject({
      jsonrpc: '2.0',
      id: 1,
      params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
    })
  })

  it('says where the token goes where it cannot be shown', () => {
    const text = banner({ ...facts, admin: { name: 'admin', password: null, token: null } })
    expect(text).not.toContain('tg_')
    expect(text).toContain('put your token in place of YOUR_TOKEN')
    expect(text.match(/Bearer YOUR_TOKEN/g)).toHaveLength(3)
    expect(text).toContain('toolgate serve --reset-admin-token, or --reset-admin-password')
  })

  it('shows how to sign in, and the password once', () => {
    const text = banner(facts)
    expect(text).toContain('Sign in admin, with the password correct-horse')
    expect(text).toContain('POST /api/v1/sign-in')
    const later = banner({ ...facts, admin: { name: 'admin', password: null, token } })
    expect(later).not.toContain('password')
    const reset = banner({ ...facts, admin: { name: 'admin', password: 'correct-horse', token: null } })
    expect(reset).toContain('Sign in admin, with the password correct-horse')
  })

  it('fits into 80 columns, but for what holds the token', () => {
    const long = banner(facts)
      .split('\n')
      .filter((line) => line.length > 80 && !line.includes(token))
    expect(long).toEqual([])
  })

  it.each<[Partial<Banner>, string[]]>([
    [{ kind: 'examples' }, ['These are examples.', 'toolgate config import --write toolgate.yaml']],
    [
      { kind: 'demo', clients: ['Claude Code', 'Cursor'] },
      ['This is a demo.', 'what your MCP clients have (Claude Code, Cursor):'],
    ],
    [
      { kind: 'none', servers: [], configPath: 'my.yaml' },
      ['No server yet. Name one below "servers" in my.yaml', 'toolgate config import --write my.yaml'],
    ],
  ])('says how to get to servers of one`s own: %j', (more, words) => {
    const text = banner({ ...facts, ...more })
    for (const word of words) expect(text).toContain(word)
  })

  it('gives no advice to who has servers', () => {
    expect(banner({ ...facts, kind: 'none', configPath: 'my.yaml' })).not.toContain('config import')
  })
})
