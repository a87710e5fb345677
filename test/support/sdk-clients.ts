/** The SDK's clients, both major versions of it, over every transport, behind one small face. */
import { Client as Client2, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as SSEClientTransport1 } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as StreamableHTTPClientTransport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { SocketTransport } from './socket-transport.ts'
import type { StdioServer } from './real-servers.ts'

type Named = { name: string }

/** What both SDKs' clients can do. Results are compared, not used, so they are unknown. */
export type McpClient = AsyncDisposable & {
  listTools(): Promise<{ tools: Named[] }>
  callTool(params: { name: string; arguments?: Record<string, unknown> }): Promise<unknown>
  listPrompts(): Promise<{ prompts: Named[] }>
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<unknown>
  listResources(): Promise<{ resources: (Named & { uri: string })[] }>
  listResourceTemplates(): Promise<{ resourceTemplates: (Named & { uriTemplate: string })[] }>
  readResource(params: { uri: string }): Promise<unknown>
  complete(params: Completion): Promise<{ completion: { values: string[] } }>
  getServerVersion(): { name: string } | undefined
}

type Completion = { ref: { type: 'ref/prompt'; name: string }; argument: { name: string; value: string } }

export type Wire = 'http' | 'sse' | 'ws'
export type ClientKind = 'v1' | 'v2 legacy' | 'v2 modern'
type Address = { url: string; token: string | null; headers?: Record<string, string> }

const info = { name: 'toolgate-e2e', version: '1.0.0' }

export async function connect(kind: ClientKind, wire: Wire, address: Address): Promise<McpClient> {
  return kind === 'v1'
    ? connectV1(wire, address)
    : connectV2(wire, address, { era: kind === 'v2 modern' ? 'modern' : 'legacy' })
}

async function connectV1(wire: Wire, address: Address): Promise<McpClient> {
  const client = new Client1(info)
  await client.connect(toTransport1(wire, address))
  return disposable(client)
}

export function toTransport1(wire: Wire, address: Address) {
  const url = new URL(address.url)
  const requestInit = { headers: headersOf(address) }
  if (wire === 'http') return new StreamableHTTPClientTransport1(url, { requestInit })
  if (wire === 'sse') return new SSEClientTransport1(url, { requestInit })
  return new SocketTransport(address.url, address.token ?? '')
}

export type V2Options = { era: 'legacy' | 'modern' } & NonNullable<ConstructorParameters<typeof Client2>[1]>

export async function connectV2(
  wire: Wire,
  address: Address,
  { era, ...options }: V2Options,
): Promise<Client2 & AsyncDisposable> {
  const mode = era === 'modern' ? { pin: '2026-07-28' } : ('legacy' as const)
  const client = new Client2(info, { ...options, versionNegotiation: { mode } })
  await client.connect(toTransport2(wire, address))
  return disposable(client)
}

function toTransport2(wire: Wire, address: Address) {
  const url = new URL(address.url)
  const requestInit = { headers: headersOf(address) }
  if (wire === 'http') return new StreamableHTTPClientTransport(url, { requestInit })
  if (wire === 'sse') return new SSEClientTransport(url, { requestInit })
  return new SocketTransport(address.url, address.token ?? '')
}

function headersOf({ token, headers }: Address): Record<string, string> {
  return { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers }
}

/** The server itself, with nothing between. */
export async function connectStdio(server: StdioServer): Promise<McpClient> {
  const client = new Client1(info)
  await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }))
  return disposable(client)
}

function disposable<Kind extends { close(): Promise<void> }>(client: Kind): Kind & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}
