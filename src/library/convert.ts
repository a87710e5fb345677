/** Between MCP and what the two large model APIs write: tools, tool calls, tool results. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { ValidationError } from './errors.ts'
import { toModelName } from './model-name.ts'

export type DescribedTool = { name: string; description?: string | undefined; inputSchema: JsonObject }

export type OpenAIFunction = {
  type: 'function'
  function: { name: string; description?: string; parameters: JsonObject }
}
export type AnthropicTool = { name: string; description?: string; input_schema: JsonObject }

/** @param name what the model is to call it. A name that the API does not take is given its short form */
export function toOpenAIFunction(tool: DescribedTool, name = tool.name): OpenAIFunction {
  return { type: 'function', function: { ...nameAndDescription(tool, name), parameters: toParameters(tool) } }
}

/** @param name what the model is to call it. A name that the API does not take is given its short form */
export function toAnthropicTool(tool: DescribedTool, name = tool.name): AnthropicTool {
  return { ...nameAndDescription(tool, name), input_schema: toParameters(tool) }
}

function nameAndDescription(tool: DescribedTool, name: string): { name: string; description?: string } {
  const { description } = tool
  return { name: toModelName(name), ...(description === undefined ? {} : { description }) }
}

/** Both APIs want an object, and OpenAI refuses one that has no `properties`. */
function toParameters({ inputSchema }: DescribedTool): JsonObject {
  return { type: 'object', properties: {}, ...inputSchema }
}

export type ToolCall = { id: string; name: string; arguments: JsonObject }

const argumentsCharsMax = 4_194_304

/**
 * Reads `{ id, function: { name, arguments } }`, whose arguments are JSON in a string; an empty string, which models write for
 * tools without parameters, is an empty object.
 * @throws ValidationError that names every fault
 */
export function parseOpenAIToolCall(call: unknown): ToolCall {
  const { id, function: called } = isJsonObject(call) ? call : {}
  const { name, arguments: text } = isJsonObject(called) ? called : {}
  const parsed = parseArguments(text)
  if (typeof id === 'string' && typeof name === 'string' && typeof parsed !== 'string')
    return { id, name, arguments: parsed }
  throw new ValidationError({
    tool: typeof name === 'string' ? name : undefined,
    errors: [
      ...(typeof id === 'string' ? [] : ['id: must be a string']),
      ...(typeof name === 'string' ? [] : ['function.name: must be a string']),
      ...(typeof parsed === 'string' ? [`function.arguments: ${parsed}`] : []),
    ],
  })
}

/** @returns the fault as text */
function parseArguments(text: unknown): JsonObject | string {
  if (typeof text !== 'string') return 'must be a string'
  if (text.length > argumentsCharsMax) return `must have at most ${argumentsCharsMax} characters`
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : 'must be a JSON object'
  } catch {
    return 'must be valid JSON'
  }
}

export type OpenAIToolMessage = { role: 'tool'; tool_call_id: string; content: string }

/** The answer to one tool call. OpenAI takes text only: what is not text is named in square brackets. */
export function toOpenAIToolMessage(callId: string, result: JsonObject): OpenAIToolMessage {
  const texts = contentOf(result).map((block) => textOf(block))
  return { role: 'tool', tool_call_id: callId, content: texts.join('\n') || textOfEmpty(result) }
}

export type AnthropicBlock =
  | { type: 'text'; text: string }
  | { type: 'image'; source: { type: 'base64'; media_type: string; data: string } }
export type AnthropicToolResult = {
  type: 'tool_result'
  tool_use_id: string
  content: AnthropicBlock[]
  is_error?: true
}

/** The answer to one tool use. Images stay images; what else is not text is named in square brackets. */
export function toAnthropicToolResult(toolUseId: string, result: JsonObject): AnthropicToolResult {
  // The API refuses empty text blocks.
  const blocks = contentOf(result)
    .map((block) => toAnthropicBlock(block))
    .filter((block) => block.type !== 'text' || block.text !== '')
  const content = blocks.length > 0 ? blocks : [{ type: 'text' as const, text: textOfEmpty(result) }]
  return {
    type: 'tool_result',
    tool_use_id: toolUseId,
    content,
    ...(result['isError'] === true ? { is_error: true } : {}),
  }
}

const anthropicImages = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

function toAnthropicBlock(block: JsonObject): AnthropicBlock {
  const { type, data, mimeType } = block
  if (type === 'image' && typeof data === 'string' && typeof mimeType === 'string' && anthropicImages.has(mimeType)) {
    return { type: 'image', source: { type: 'base64', media_type: mimeType, data } }
  }
  return { type: 'text', text: textOf(block) }
}

function contentOf(result: JsonObject): JsonObject[] {
  const { content } = result
  return Array.isArray(content) ? content.filter((block) => isJsonObject(block)) : []
}

function textOf(block: JsonObject): string {
  const { type, text, resource, uri, mimeType } = block
  if (type === 'text' && typeof text === 'string') return text
  if (type === 'resource' && isJsonObject(resource)) return textOfResource(resource)
  if (type === 'resource_link' && typeof uri === 'string') return uri
  return `[${[type, mimeType].filter((word) => typeof word === 'string').join(' ')}]`
}

function textOfResource({ text, uri, mimeType }: JsonObject): string {
  if (typeof text === 'string') return text
  return `[${['resource', uri, mimeType].filter((word) => typeof word === 'string').join(' ')}]`
}

function textOfEmpty({ structuredContent, isError }: JsonObject): string {
  if (structuredContent !== undefined) return JSON.stringify(structuredContent)
  return isError === true ? 'The tool failed and gave no reason.' : 'The tool gave no output.'
}
