import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway } from 'toolgate'

await using gateway = createGateway()
await gateway.registerServer({
  name: 'memory',
  url: 'npx',
  transport: 'stdio',
  args: ['-y', '@modelcontextprotocol/server-memory'],
  env: { MEMORY_FILE_PATH: join(mkdtempSync(join(tmpdir(), 'memory-')), 'graph.jsonl') },
})

// Send these to the model; `getAnthropicTools` gives the same tools in Anthropic's form.
const tools = await gateway.getOpenAITools()
console.log(tools[0]?.function.name)

// What the model answers with …
const toolCall = {
  id: 'call_1',
  type: 'function',
  function: {
    name: 'mcp_memory__create_entities',
    arguments: '{"entities":[{"name":"Ada","entityType":"person","observations":["wrote the first program"]}]}',
  },
}
// … is carried out, and this goes back to it.
const message = await gateway.callOpenAITool(toolCall)
console.log(message.role, message.tool_call_id, message.content.includes('Ada'))

const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'mcp_memory__search_nodes', input: { query: 'Ada' } }
const block = await gateway.callAnthropicTool(toolUse)
console.log(block.type, block.tool_use_id, block.content.length)
