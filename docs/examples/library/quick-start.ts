import { createGateway } from 'toolgate'

await using gateway = createGateway()
await gateway.registerServer({
  name: 'everything',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-everything'],
})

const tools = await gateway.listTools('everything')
console.log(tools.slice(0, 3).map(({ name }) => name))

const { content } = await gateway.callTool('everything', 'get-sum', { a: 2, b: 3 })
console.log(content)
