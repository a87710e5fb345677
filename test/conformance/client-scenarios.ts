/** What a client does in each of the official client scenarios that need no authorization. */
import { SdkError, SdkErrorCode, type Client, type Tool } from '@modelcontextprotocol/client'
import { ListToolsResultSchema } from '@modelcontextprotocol/core'
import { z } from 'zod'

export type DrivenClient = {
  client: Client
  /** The scenario’s own input, as the suite hands it over. */
  context: unknown
  /** False when the client speaks to the mock server itself. */
  isThroughGateway: boolean
}

export type ClientScenario = (driven: DrivenClient) => Promise<void>

export const clientScenarios: Record<string, ClientScenario> = {
  initialize: async ({ client }) => void (await client.listTools()),
  tools_call: async ({ client }) => {
    await client.listTools()
    await client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } })
  },
  'sse-retry': async ({ client }) => void (await client.callTool({ name: 'test_reconnection', arguments: {} })),
  'elicitation-sep1034-client-defaults': async ({ client }) => {
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }))
    await client.callTool({ name: 'test_client_elicitation_defaults', arguments: {} })
  },
  'request-metadata': async ({ client }) => void (await listToolsAsSent(client)),
  'http-standard-headers': useEverything,
  'http-custom-headers': async ({ client, context }) => {
    await client.listTools()
    for (const call of toToolCalls(context)) await client.callTool(call)
  },
  'http-invalid-tool-headers': callValidTools,
  'json-schema-ref-no-deref': async ({ client }) => void (await client.listTools()),
  'json-schema-2020-12-preservation': async ({ client }) => {
    const tools = await listToolsAsSent(client)
    const schema = tools.find((tool) => tool.name === 'json_schema_2020_12_tool')?.inputSchema
    await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
  },
  'sep-2322-client-request-state': answerBetweenRounds,
}

/** `client.listTools()` drops what it does not know, and tools whose headers are invalid: here that is the question. */
async function listToolsAsSent(client: Client): Promise<Tool[]> {
  const { tools } = await client.request({ method: 'tools/list', params: {} }, ListToolsResultSchema)
  return tools
}

async function useEverything({ client }: DrivenClient): Promise<void> {
  const { tools } = await client.listTools()
  for (const { name } of tools) await client.callTool({ name, arguments: {} })
  const { resources } = await client.listResources()
  for (const { uri } of resources) await client.readResource({ uri })
  const { prompts } = await client.listPrompts()
  for (const { name } of prompts) await client.getPrompt({ name })
}

async function callValidTools({ client, isThroughGateway }: DrivenClient): Promise<void> {
  // The SDK's client would hide a gateway that passes invalid tools on, so the gateway's list is read as it is.
  const tools = isThroughGateway ? await listToolsAsSent(client) : (await client.listTools()).tools
  const names = tools.map((tool) => tool.name)
  if (isThroughGateway && names.join() !== 'valid_tool') throw new Error(`tools listed: ${names.join(', ')}`)
  for (const toolDefinition of tools) {
    const call = { name: toolDefinition.name, arguments: { region: 'us-west1' } }
    await client.callTool(call, { toolDefinition })
  }
}

/** Calls an unrelated tool while another call waits for its answer, where state could leak from one to the other. */
async function answerBetweenRounds({ client }: DrivenClient): Promise<void> {
  client.setRequestHandler('elicitation/create', async () => {
    await client.callTool({ name: 'test_mrtr_unrelated', arguments: {} })
    return { action: 'accept', content: { confirmed: true } }
  })
  await client.listTools()
  await client.callTool({ name: 'test_mrtr_echo_state', arguments: {} })
  await client.callTool({ name: 'test_mrtr_no_state', arguments: {} })
  await client.callTool({ name: 'test_mrtr_no_result_type', arguments: {} }).catch(ignoreMissingResultType)
}

/** The suite asks only that such a result is not taken for a question; the SDK’s client is stricter and refuses it. */
function ignoreMissingResultType(error: unknown): void {
  if (!(error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)) throw error
}

const ToolCall = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })
const Context = z.object({ toolCalls: z.array(ToolCall).min(1) })

const toToolCalls = (context: unknown): z.infer<typeof ToolCall>[] => Context.parse(context).toolCalls
