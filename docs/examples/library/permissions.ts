import { AuthorizationError, createGateway, PermissionLevel, PermissionManager, PermissionRule } from 'toolgate'

const permissions = new PermissionManager() // denies everything until told otherwise
permissions.setDefaultLevel(PermissionLevel.Read)
permissions.setKeyPolicy('key-of-the-agent', {
  name: 'agent',
  rules: [
    new PermissionRule('everything', PermissionLevel.Execute),
    new PermissionRule('*', 'get-env', PermissionLevel.Deny),
  ],
})

await using gateway = createGateway({ permissions })
await gateway.registerServer({
  name: 'everything',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-everything'],
})
gateway.addAlias('all', 'everything')

const agent = { key: 'key-of-the-agent' }
const names = (await gateway.listTools('everything', agent)).map(({ name }) => name)
console.log(names.includes('echo'), names.includes('get-env'))

const { content } = await gateway.callTool('all', 'echo', { message: 'hello' }, agent)
console.log(content)

try {
  await gateway.callTool('all', 'get-env', {}, agent)
} catch (error) {
  if (error instanceof AuthorizationError) console.log(error.message)
}

for (const { target, effect, reason } of await gateway.auditLog.list({ limit: 2 })) {
  console.log(target, effect, reason)
}
