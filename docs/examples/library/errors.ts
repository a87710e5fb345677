import { createGateway, McpError, ServerNotFoundError, ToolNotFoundError, ValidationError } from 'toolgate'

await using gateway = createGateway()
await gateway.registerServer({
  name: 'everything',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-everything'],
})

async function tell(server: string, tool: string, args: object): Promise<string> {
  try {
    const { isError } = await gateway.callTool(server, tool, args)
    return isError ? 'the tool failed' : 'the tool answered'
  } catch (error) {
    if (error instanceof ServerNotFoundError) return `no server ${error.server}`
    if (error instanceof ToolNotFoundError) return `no tool ${error.tool} at ${error.server}`
    if (error instanceof ValidationError) return error.errors.join('; ')
    if (error instanceof McpError) return `${error.code}${error.isRetryable ? ', try again' : ''}`
    throw error
  }
}

console.log(await tell('nobody', 'echo', {}))
console.log(await tell('everything', 'nothing', {}))
console.log(await tell('everything', 'get-sum', { a: 'two' }))
console.log(await tell('everything', 'get-sum', { a: 2, b: 3 }))
