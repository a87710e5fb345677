/**
 * An MCP server over stdio for a harness that is one process for many sessions, and reads its list of servers once. Which session a call is
 * of, the call says; which servers that session has, and with which token they are reached, the platform's adapter says, at that moment.
 * It knows the sessions of its own harness alone.
 */
import type { ClientOutput } from '#cli/bridge/bridge-ports.ts'
import { errorText } from '#cli/bridge/bridge-failure.ts'
import { GatewayError } from '#contract/errors.ts'
import { SessionId } from '#contract/session.ts'
import {
  isJsonObject,
  isNotification,
  isRequest,
  isRequestId,
  toRpcError,
  type JsonObject,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import type { AskAdapter } from './ask-adapter.ts'
import type { ServerLink } from './server-link.ts'

export type SessionToolsParts = {
  ask: AskAdapter
  openLink: (place: { session: string; server: string }) => ServerLink
  output: ClientOutput
  version: string
}

const linksMax = 256
const pagesMax = 200

const sessionId = { type: 'string', description: 'The id of the session that you run in, as you were given it: ses_…' }

const tools = [
  {
    name: 'list_tools',
    description: 'Lists the tools of all servers that this session may use, with the arguments of each.',
    inputSchema: { type: 'object', properties: { session_id: sessionId }, required: ['session_id'] },
  },
  {
    name: 'call_tool',
    description: 'Calls one of the tools that list_tools lists.',
    inputSchema: {
      type: 'object',
      properties: {
        session_id: sessionId,
        server: { type: 'string', description: 'The server, as list_tools names it.' },
        tool: { type: 'string', description: 'The tool, as list_tools names it.' },
        arguments: { type: 'object', description: 'The arguments of the tool.' },
      },
      required: ['session_id', 'server', 'tool'],
    },
  },
]

export class SessionTools {
  readonly #parts: SessionToolsParts
  readonly #links = new Map<string, ServerLink>()
  /** How a request that is under way is cancelled. */
  readonly #running = new Map<RequestId, () => void>()

  constructor(parts: SessionToolsParts) {
    this.#parts = parts
  }

  /** Takes one line of the harness's. Resolves when it has been answered. */
  async take(line: string): Promise<void> {
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      return this.#refuse(null, new GatewayError('parse_error'))
    }
    if (isRequest(message)) return this.#takeRequest(message)
    if (isNotification(message)) return this.#takeNote(message)
    const id = isJsonObject(message) ? message['id'] : null
    if (!isJsonObject(message) || 'method' in message)
      this.#refuse(isRequestId(id) ? id : null, new GatewayError('invalid_request'))
  }

  #takeNote({ method, params }: RpcNotification): void {
    const id = params?.['requestId']
    if (method === 'notifications/cancelled' && isRequestId(id)) this.#running.get(id)?.()
  }

  async #takeRequest({ id, method, params = {} }: RpcRequest): Promise<void> {
    switch (method) {
      case 'initialize':
        return this.#finish(id, this.#initialize(params))
      case 'ping':
        return this.#finish(id, {})
      case 'tools/list':
        return this.#finish(id, { tools })
      case 'tools/call':
        return this.#call(id, params)
      default:
        return this.#refuse(id, new GatewayError('method_not_found'))
    }
  }

  #initialize({ protocolVersion }: JsonObject): JsonObject {
    return {
      protocolVersion: isLegacyRevision(protocolVersion) ? protocolVersion : newestLegacyRevision,
      capabilities: { tools: {} },
      serverInfo: { name: 'toolgate-session-shim', version: this.#parts.version },
      instructions: 'The tools of your session are behind list_tools and call_tool. Both want the id of your session.',
    }
  }

  async #call(id: RequestId, { name, arguments: args }: JsonObject): Promise<void> {
    const given = isJsonObject(args) ? args : {}
    const session = SessionId.safeParse(given['session_id']).data
    if (name !== 'list_tools' && name !== 'call_tool') return this.#refuse(id, new GatewayError('tool_not_found'))
    if (session === undefined) return this.#finish(id, failure('session_id must be the id of a session: ses_…'))
    try {
      if (name === 'call_tool') return await this.#callTool(id, session, given)
      this.#finish(id, await this.#listTools(session))
    } catch {
      this.#finish(id, failure('The adapter of this session does not answer.'))
    }
  }

  async #callTool(id: RequestId, session: string, given: JsonObject): Promise<void> {
    const { server, tool: name, arguments: args = {} } = given
    if (typeof server !== 'string' || typeof name !== 'string')
      return this.#finish(id, failure('server and tool must name a tool that list_tools lists.'))
    const link = this.#link(session, server)
    const call = link.request('tools/call', { name, arguments: args })
    this.#running.set(id, () => link.cancel(call.id))
    const answer = await call.response
    this.#running.delete(id)
    if ('error' in answer) return this.#parts.output.write(errorText(id, answer.error))
    // Of the newest revision, which the harness need not know.
    const { resultType: _resultType, ...result } = answer.result
    this.#finish(id, result)
  }

  async #listTools(session: string): Promise<JsonObject> {
    const answer = await this.#parts.ask({ session })
    if (!('servers' in answer)) return failure('There is no such session here.')
    const listed = await Promise.all(answer.servers.map((server) => this.#listServer(session, server)))
    return { content: [{ type: 'text', text: JSON.stringify(listed) }] }
  }

  /** A server that fails costs its own tools only. */
  async #listServer(session: string, server: string): Promise<JsonObject> {
    const link = this.#link(session, server)
    const found: JsonObject[] = []
    let cursor: unknown
    for (let page = 1; page <= pagesMax; page++) {
      const answer = await link.request('tools/list', cursor === undefined ? {} : { cursor }).response
      if ('error' in answer) return { server, error: answer.error.message }
      const { tools: listed, nextCursor } = answer.result
      if (Array.isArray(listed)) found.push(...listed.filter(isJsonObject).map(toListed))
      if (typeof nextCursor !== 'string') break
      cursor = nextCursor
    }
    return { server, tools: found }
  }

  #link(session: string, server: string): ServerLink {
    const key = JSON.stringify([session, server])
    let link = this.#links.get(key)
    if (link) return link
    if (this.#links.size >= linksMax) this.#dropIdle()
    this.#links.set(key, (link = this.#parts.openLink({ session, server })))
    return link
  }

  #dropIdle(): void {
    for (const [key, link] of this.#links) {
      if (!link.isIdle) continue
      this.#links.delete(key)
      void link.close()
    }
  }

  #finish(id: RequestId, result: JsonObject): void {
    this.#parts.output.write(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }

  #refuse(id: RequestId | null, error: GatewayError): void {
    this.#parts.output.write(errorText(id, toRpcError(error)))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }
}

function toListed({ name, description, inputSchema }: JsonObject): JsonObject {
  return { name, ...(description === undefined ? {} : { description }), inputSchema }
}

/** Said to the model, which can do something about it. */
function failure(text: string): JsonObject {
  return { content: [{ type: 'text', text }], isError: true }
}
