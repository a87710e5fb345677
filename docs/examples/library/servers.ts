import { AuthConfig, createGateway, McpServerConfig } from 'toolgate'

await using gateway = createGateway({ defaultTimeoutMs: 20_000 })

// A remote server, step by step …
const docs = new McpServerConfig('docs', 'https://mcp.example.com/docs')
  .withAuth(AuthConfig.bearer(process.env['DOCS_TOKEN'] ?? 'not set'))
  .withTimeout(5_000)
await gateway.registerServer(docs)

// … or as an object. `transport` is http (Streamable HTTP, the default), sse, websocket or stdio.
await gateway.registerServer({
  name: 'events',
  url: 'wss://mcp.example.com/events',
  transport: 'websocket',
  auth: AuthConfig.apiKey('not a real key'),
  tags: ['internal'],
})
gateway.addAlias('ev', 'events')

for (const { name, transport, timeoutMs, state, aliases } of gateway.listServers()) {
  console.log(name, transport, timeoutMs, state, aliases)
}
await gateway.unregisterServer('ev')
console.log(gateway.stats())
