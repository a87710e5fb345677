/** Modern requests as Streamable HTTP wants them: what the body says, said again in headers. */
import { metaOf } from '#core/protocol/envelope.ts'
import { isJsonObject, isResponse, type JsonObject, type RpcRequest } from '#core/protocol/json-rpc.ts'
import { encodeHeaderValue, mirroredName } from '#core/protocol/mcp-headers.ts'
import type { BridgePorts } from './bridge-ports.ts'
import { startExchange } from './gateway-exchange.ts'
import type { ToolHeaders } from './tool-headers.ts'

const listSilenceMs = 60_000
const pagesMax = 200

export function modernHeaders(ports: BridgePorts, message: RpcRequest, revision: string): string[] {
  const name = mirroredName(message.method, message.params)
  const headers = [
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
    ...ports.headers,
  ]
  headers.push('mcp-protocol-version', encodeHeaderValue(revision), 'mcp-method', encodeHeaderValue(message.method))
  if (name !== undefined) headers.push('mcp-name', encodeHeaderValue(name))
  return headers
}

type Relisting = { ports: BridgePorts; tools: ToolHeaders; message: RpcRequest; revision: string }

/** Reads the list of tools again, unseen by the client, on behalf of the request in `message`. */
export async function relistTools({ ports, tools, message, revision }: Relisting): Promise<void> {
  const { progressToken: _token, ..._meta } = metaOf(message.params) ?? {}
  let cursor: unknown
  for (let page = 1; page <= pagesMax; page++) {
    const params = cursor === undefined ? { _meta } : { cursor, _meta }
    const request: RpcRequest = { jsonrpc: '2.0', id: `toolgate-bridge-list-${page}`, method: 'tools/list', params }
    const response = await ask(ports, request, revision)
    if (response === null) return
    tools.learn('', response)
    cursor = isJsonObject(response['result']) ? response['result']['nextCursor'] : undefined
    if (typeof cursor !== 'string') return
  }
}

/** The response, or null where none came. */
function ask(ports: BridgePorts, request: RpcRequest, revision: string): Promise<JsonObject | null> {
  return new Promise((resolve) => {
    const headers = modernHeaders(ports, request, revision)
    startExchange(
      ports,
      { method: 'POST', headers, body: JSON.stringify(request), silenceMsMax: listSilenceMs },
      {
        message: (_text, message) => {
          if (isResponse(message)) resolve(message)
        },
        ended: () => resolve(null),
      },
    )
  })
}
