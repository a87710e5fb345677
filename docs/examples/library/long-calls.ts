import { createGateway, McpError } from 'toolgate'

await using gateway = createGateway({
  // Servers may ask something while they work. Without this they are told that nobody can be asked.
  onElicit: (params, { server }) => {
    console.log(server, 'asks:', params['message'])
    return { action: 'accept', content: { name: 'Ada' } }
  },
})
await gateway.registerServer({
  name: 'everything',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-everything'],
})

await gateway.callTool('everything', 'trigger-elicitation-request')

const work = 'trigger-long-running-operation'
await gateway.callTool(
  'everything',
  work,
  { duration: 0.2, steps: 2 },
  {
    onProgress: ({ progress, total }) => console.log(`${progress} of ${total}`),
  },
)

const signal = AbortSignal.timeout(100)
const call = gateway.callTool('everything', work, { duration: 1, steps: 5 }, { signal })
await call.catch((error: unknown) => console.log(error instanceof McpError && error.code))
