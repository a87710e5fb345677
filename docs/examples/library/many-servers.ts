import { createGateway } from 'toolgate'

await using gateway = createGateway({
  onTrouble: ({ server, error }) => console.log(`${server}: ${error.message}`),
})
await gateway.registerServer({ name: 'gone', url: 'http://127.0.0.1:9/mcp' })
await gateway.registerServer({
  name: 'everything',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-everything'],
})

for (const [server, listing] of await gateway.listAllTools()) {
  if ('tools' in listing) console.log(server, listing.tools.length > 0)
  else console.log(server, listing.error.code, listing.error.isRetryable)
}
const { healthy, servers } = gateway.healthCheck()
console.log(healthy, servers)
