/** Which arguments of which tool a modern request mirrors in headers (2026-07-28, streamable-http, "x-mcp-header"). */
import { isJsonObject, type JsonObject, type RpcRequest } from '#core/protocol/json-rpc.ts'
import { buildParamHeaders, readParamHeaders, type ParamHeader } from '#core/protocol/mcp-headers.ts'

const toolsMax = 20_000

export class ToolHeaders {
  readonly #byTool = new Map<string, readonly ParamHeader[]>()

  /** The `mcp-param-*` headers of a call, flat. */
  headersFor({ method, params }: RpcRequest): string[] {
    if (method !== 'tools/call') return []
    const known = this.#byTool.get(String(params?.['name']))
    return known === undefined ? [] : buildParamHeaders(known, params?.['arguments'])
  }

  /**
   * Reads a `tools/list` response.
   * @returns the text the client may have: a tool with wrong annotations must not be offered
   */
  learn(text: string, response: JsonObject): string {
    const { result } = response
    if (!isJsonObject(result) || !Array.isArray(result['tools'])) return text
    const listed: unknown[] = result['tools']
    const usable = listed.filter((tool) => !isJsonObject(tool) || this.#learnTool(tool))
    return usable.length === listed.length
      ? text
      : JSON.stringify({ ...response, result: { ...result, tools: usable } })
  }

  #learnTool({ name, inputSchema }: JsonObject): boolean {
    const headers = readParamHeaders(inputSchema)
    if (headers === null) return false
    if (headers.length === 0) this.#byTool.delete(String(name))
    else if (this.#byTool.size < toolsMax) this.#byTool.set(String(name), headers)
    return true
  }
}
