/** What can be asked of one server, by its real name. */
import type { Limits } from '#contract/limits.ts'
import type { Access, Decision } from '#core/access/access.ts'
import { allowsExecute, allowsRead } from '#core/access/decide.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { checkArguments, toWireArguments, type SchemaCheck } from './arguments.ts'
import type { CallOptions, EngineCalls } from './engine-calls.ts'
import type { ToolPair } from './model-name.ts'
import { Tool } from './tool.ts'

/** What a tool answered. `isError` is the tool's own failure, which is an answer: it is given back and not thrown. */
export type ToolResult = {
  content: JsonObject[]
  structuredContent?: unknown
  isError?: boolean
  [member: string]: unknown
}

export type ServerCallsDeps = { calls: EngineCalls; limits: Limits; checkSchema: SchemaCheck }

const lists = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
} as const

export type ListMember = keyof typeof lists

/** More than the largest list that the limits allow has pages. */
const pagesMax = 1_000

export class ServerCalls {
  readonly #deps: ServerCallsDeps

  constructor(deps: ServerCallsDeps) {
    this.#deps = deps
  }

  async listTools(server: string, options: CallOptions): Promise<Tool[]> {
    return (await this.list(server, 'tools', options)).map(toTool)
  }

  /** All pages of a list, as far as the caller may see it. */
  async list(server: string, member: ListMember, options: CallOptions): Promise<JsonObject[]> {
    const items: JsonObject[] = []
    let cursor: unknown
    for (let page = 0; page < pagesMax; page++) {
      const params = typeof cursor === 'string' ? { cursor } : {}
      const request = { server, method: lists[member], params, target: '', isCounted: false, decide: mayReach(server) }
      const result = await this.#deps.calls.request(request, options)
      const part = result[member]
      if (Array.isArray(part)) items.push(...part.filter((item) => isJsonObject(item)))
      cursor = result['nextCursor']
      if (typeof cursor !== 'string') break
    }
    return items
  }

  async callTool({ server, tool }: ToolPair, args: unknown, options: CallOptions): Promise<ToolResult> {
    const { calls, limits, checkSchema } = this.#deps
    const wireArgs = toWireArguments(args, { server, tool, limits })
    const result = await calls.request(
      {
        server,
        method: 'tools/call',
        params: { name: tool, arguments: wireArgs },
        target: tool,
        tool,
        isCounted: true,
        decide: (access) => judged(access.tool(server, tool), allowsExecute),
        beforeCall: (definition) => checkArguments(wireArgs, { server, tool, definition }, checkSchema),
      },
      options,
    )
    const { content } = result
    return { ...result, content: Array.isArray(content) ? content.filter((block) => isJsonObject(block)) : [] }
  }

  /** Prompts and resources: what has no level of its own takes the server's. */
  read(server: string, what: { method: string; params: JsonObject; target: string }, options: CallOptions) {
    const decide = (access: Access) => judged(access.server(server), allowsRead)
    return this.#deps.calls.request({ ...what, server, isCounted: true, decide }, options)
  }
}

/** A caller who may see one tool of a server may list it: the rest is cut from the list. */
function mayReach(server: string) {
  return (access: Access) => ({ isAllowed: access.mayReach(server), decision: access.server(server) })
}

function judged(decision: Decision, allows: (level: Decision['level']) => boolean) {
  return { isAllowed: allows(decision.level), decision }
}

/** Older servers leave out the schema of a tool that takes nothing. */
function toTool(item: JsonObject): Tool {
  return Tool.from(isJsonObject(item['inputSchema']) ? item : { ...item, inputSchema: { type: 'object' } })
}
