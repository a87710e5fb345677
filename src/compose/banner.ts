/** What `toolgate serve` says when it is up: everything a person needs to make the first call, ready to be copied. */
import { configFileName } from '#config/config-file.ts'
import type { BuiltInServers } from './built-in-servers.ts'
import type { FirstAdmin } from './first-admin.ts'

export type Banner = {
  /** Where clients reach the gateway, without a path of its own. */
  address: string
  dataPath: string
  configPath: string | null
  admin: FirstAdmin
  servers: readonly { name: string; transport: string }[]
  separator: string
  kind: BuiltInServers['kind']
  program: string
  clients: readonly string[]
}

const placeholder = 'YOUR_TOKEN'

export function banner(facts: Banner): string {
  const { address, dataPath, configPath, admin } = facts
  const token = admin.token ?? placeholder
  return [
    '',
    `Toolgate is up at ${address}/mcp`,
    '',
    `  Data    ${dataPath}`,
    `  Config  ${configPath ?? `none; a ${configFileName} in this folder applies as soon as it is there`}`,
    ...tokenLines(facts),
    '',
    ...serverLines(facts),
    '',
    admin.token === null
      ? `Client entry (put your token in place of ${placeholder}, here and below):`
      : 'Client entry:',
    '',
    ...indented(JSON.stringify(clientEntry(address, token), null, 2)),
    '',
    'Claude Code:',
    '',
    `  claude mcp add --transport http toolgate ${address}/mcp \\`,
    `    --header "Authorization: Bearer ${token}"`,
    '',
    'A first call:',
    '',
    ...indented(exampleCall(facts, token)),
    '',
  ].join('\n')
}

function tokenLines({ admin, program }: Banner): string[] {
  return admin.token === null
    ? [
        '  Token   the admin token was shown at the first start; only its hash is kept.',
        `          Lost? ${program} serve --reset-admin-token, or --reset-admin-password`,
        ...passwordLines(admin),
      ]
    : [
        `  Token   ${admin.token}`,
        '          for the admin. Shown this once; only its hash is kept.',
        ...passwordLines(admin),
      ]
}

/** A token makes no tokens: that is for people who have signed in. */
function passwordLines({ name, password }: FirstAdmin): string[] {
  if (password === null) return []
  return [
    `  Sign in ${name}, with the password ${password}`,
    '          to make tokens (POST /api/v1/sign-in). Shown this once.',
  ]
}

function serverLines(facts: Banner): string[] {
  const { servers, address } = facts
  const nameWidth = Math.max(0, ...servers.map(({ name }) => name.length))
  const kindWidth = Math.max(0, ...servers.map(({ transport }) => transport.length))
  const rows = servers.map(
    ({ name, transport }) => `  ${name.padEnd(nameWidth)}  ${transport.padEnd(kindWidth)}  ${address}/${name}/mcp`,
  )
  const advice = adviceLines(facts)
  if (rows.length === 0) return advice
  return [
    servers.length === 1 ? 'One server:' : `${servers.length} servers:`,
    '',
    ...rows,
    ...(advice.length > 0 ? ['', ...advice] : []),
  ]
}

/** How to get from here to servers of one's own. */
function adviceLines({ kind, servers, configPath, program, clients }: Banner): string[] {
  const isImportable = kind !== 'none' || servers.length === 0
  if (!isImportable) return []
  const target = configPath ?? configFileName
  const start = {
    none: `No server yet. Name one below "servers" in ${target}; an edit applies at once.`,
    examples: `These are examples. To serve your own, write ${target}; it applies at once.`,
    demo: `This is a demo. To serve your own, write ${target}; it applies at once.`,
  }[kind]
  const source =
    clients.length === 0
      ? 'Or take over the servers of an MCP client:'
      : `Or import what your MCP clients have (${clients.join(', ')}):`
  return [start, source, '', `  ${program} config import --write ${target}`]
}

function clientEntry(address: string, token: string) {
  const entry = { type: 'http', url: `${address}/mcp`, headers: { Authorization: `Bearer ${token}` } }
  return { mcpServers: { toolgate: entry } }
}

/** A modern request needs no session, so that one call is enough. */
function exampleCall({ address, servers, separator }: Banner, token: string): string {
  const server = ['everything', 'demo'].find((name) => servers.some((known) => known.name === name))
  const tool = server === undefined ? null : `${server}${separator}echo`
  const method = tool === null ? 'tools/list' : 'tools/call'
  const params = tool === null ? '' : `"name":"${tool}","arguments":{"message":"hello"},`
  return [
    `curl -s ${address}/mcp \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -H 'Accept: application/json, text/event-stream' \\`,
    `  -H 'MCP-Protocol-Version: 2026-07-28' \\`,
    `  -H 'Mcp-Method: ${method}'${tool === null ? '' : ` -H 'Mcp-Name: ${tool}'`} \\`,
    `  -d '{"jsonrpc":"2.0","id":1,"method":"${method}","params":{`,
    `  ${params}"_meta":{`,
    `  "io.modelcontextprotocol/protocolVersion":"2026-07-28",`,
    `  "io.modelcontextprotocol/clientCapabilities":{}}}}'`,
  ].join('\n')
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}
