/** A server of the SDK's first major version that asks with progress, watches resources, and answers with every kind of content. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  McpError,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type ContentBlock,
} from '@modelcontextprotocol/sdk/types.js'

const form = {
  mode: 'form' as const,
  message: 'Who are you?',
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
}

const audio = { type: 'audio' as const, data: 'UklGRg==', mimeType: 'audio/wav' }
const media: ContentBlock[] = [
  { type: 'text', text: 'all of it' },
  audio,
  { type: 'resource_link', uri: 'test://known', name: 'known' },
]

/** What a server was told to watch, and to watch no more. */
export type Subscriptions = { subscribed: string[]; unsubscribed: string[] }

export function createV1Server(told: Subscriptions = { subscribed: [], unsubscribed: [] }): McpServer {
  const server = new McpServer({ name: 'sdk-v1', version: '1.0.0' })
  server.server.registerCapabilities({ resources: { subscribe: true }, logging: {} })
  addAskingTools(server)
  addMedia(server)
  server.registerResource('known', 'test://known', {}, ({ href }) => ({ contents: [{ uri: href, text: 'known' }] }))
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    if (uri !== 'test://known') throw new McpError(-32002, 'Resource not found', { uri })
    told.subscribed.push(uri)
    return {}
  })
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    told.unsubscribed.push(uri)
    return {}
  })
  return server
}

/** Each says in the log what it hears of, and answers with all of it and with what it was told. */
function addAskingTools(server: McpServer): void {
  server.registerTool('ask', {}, async ({ sendRequest, sendNotification }) => {
    const heard: unknown[] = []
    const onprogress = (data: unknown): void => {
      heard.push(data)
      void sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
    }
    const question = { method: 'elicitation/create' as const, params: form }
    const { action } = await sendRequest(question, ElicitResultSchema, { onprogress })
    return asText({ heard, action })
  })
  server.registerTool('ask-outside', {}, async () => {
    const heard: unknown[] = []
    const onprogress = (data: unknown): void => {
      heard.push(data)
      void server.server.sendLoggingMessage({ level: 'info', data })
    }
    const { action } = await server.server.elicitInput(form, { onprogress })
    return asText({ heard, action })
  })
}

function addMedia(server: McpServer): void {
  server.registerTool('media', {}, () => ({ content: media }))
  server.registerPrompt('media', {}, () => ({ messages: media.map((content) => ({ role: 'user', content })) }))
  server.registerTool('sample', {}, async ({ sendRequest }) => {
    const params = { messages: [{ role: 'user' as const, content: audio }], maxTokens: 5 }
    return asText(await sendRequest({ method: 'sampling/createMessage', params }, CreateMessageResultSchema))
  })
}

function asText(value: unknown) {
  return { content: [{ type: 'text' as const, text: JSON.stringify(value) }] }
}
