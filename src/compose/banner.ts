/** What `toolgate serve` says when it is up: everything a person needs to make the first call. */

export type Banner = {
  address: string
  dataPath: string
  configPath: string | null
  adminToken: string | null
  servers: readonly { name: string; transport: string }[]
  note: string | null
}

export function banner({ address, dataPath, configPath, adminToken, servers, note }: Banner): string {
  const token = adminToken ?? '<your token>'
  const width = Math.max(0, ...servers.map(({ name }) => name.length))
  const entry = {
    mcpServers: { toolgate: { type: 'http', url: `${address}/mcp`, headers: { Authorization: `Bearer ${token}` } } },
  }
  return [
    `Toolgate is up at ${address}/mcp`,
    '',
    `  Data      ${dataPath}`,
    `  Config    ${configPath ?? 'none: defaults (write toolgate.yaml, see docs/examples/toolgate.yaml)'}`,
    adminToken === null
      ? '  Token     made earlier and stored as a hash; lost? start with --reset-admin-token'
      : `  Token     ${adminToken}   (admin; shown once, stored as a hash)`,
    ...(servers.length === 0 ? [] : ['', '  Servers']),
    ...servers.map(
      ({ name, transport }) => `    ${name.padEnd(width)}  ${transport.padEnd(15)}  ${address}/${name}/mcp`,
    ),
    ...(note === null ? [] : ['', note]),
    '',
    'Client entry (mcpServers):',
    JSON.stringify(entry, null, 2),
    '',
    'Claude Code:',
    `claude mcp add --transport http toolgate ${address}/mcp --header "Authorization: Bearer ${token}"`,
    '',
    'A first call:',
    exampleCall({ address, token, servers }),
    '',
  ].join('\n')
}

/** A modern request needs no session, so one line is enough. */
function exampleCall({
  address,
  token,
  servers,
}: {
  address: string
  token: string
  servers: Banner['servers']
}): string {
  const hasEverything = servers.some(({ name }) => name === 'everything')
  const call = hasEverything
    ? { method: 'tools/call', params: { name: 'everything__echo', arguments: { message: 'hello' } } }
    : { method: 'tools/list', params: {} }
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: call.method, params: { ...call.params, _meta: meta } })
  const name = 'name' in call.params ? ` -H 'Mcp-Name: ${call.params.name}'` : ''
  return [
    `curl -s ${address}/mcp -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\`,
    `  -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: ${call.method}'${name} \\`,
    `  -d '${body}'`,
  ].join('\n')
}
