/** A server as people write it: flat, the transport left to be seen from `url` or `command`. */
import { z } from 'zod'
import { Isolation, Server } from '#contract/server.ts'
import { HttpTransport, StdioTransport, Transport } from '#contract/transport.ts'

/** As written, and as the contract calls it. */
const transportNames = {
  streamable_http: 'streamable_http',
  http: 'streamable_http',
  sse: 'sse',
  websocket: 'websocket',
  ws: 'websocket',
  stdio: 'stdio',
} as const

/** Anything that can be the address of some transport; which one must fit which is checked across keys. */
const Address = z.url({ protocol: /^(https?|wss?)$/ })
const { credential, headers, forwardHeaders, cookies, variables, tls } = HttpTransport.shape
const { command, args, env, cwd } = StdioTransport.shape

/** What servers of every transport have. Parsing drops the rest. */
const Common = z.object(Server.omit({ name: true, transport: true, isolation: true }).shape)

export const ServerDefinition = z
  .strictObject({
    url: Address.describe(
      'The address of the MCP endpoint: http, https, ws or wss. Either this or `command`.',
    ).optional(),
    transport: z
      .enum(['streamable_http', 'http', 'sse', 'websocket', 'ws', 'stdio'])
      .describe(
        'Default: stdio for a `command`, websocket for ws and wss, else streamable_http. `http` means streamable_http, `ws` means websocket.',
      )
      .optional(),
    credential: credential.unwrap().optional(),
    headers: headers.unwrap().optional(),
    forwardHeaders: forwardHeaders.unwrap().optional(),
    cookies,
    variables: variables.unwrap().optional(),
    tls,
    command: command.describe('The program of a stdio server. It is started without a shell.').optional(),
    args: args.unwrap().optional(),
    env: env.unwrap().optional(),
    cwd: cwd.unwrap().describe("Working directory; relative to this file's folder. Default: the gateway's.").optional(),
    ...Common.shape,
    isolation: Isolation.optional(),
  })
  .meta({ id: 'ServerDefinition', description: 'An MCP server that stands behind the gateway.' })
export type ServerDefinition = z.output<typeof ServerDefinition>
/** As it is written: what has a default may be left out. */
export type ServerEntry = z.input<typeof ServerDefinition>

/** The transport's kind in the contract's words, of a definition that may be wrong elsewhere. */
export function transportKind(definition: {
  readonly url?: unknown
  readonly transport?: unknown
}): Transport['kind'] | null {
  const { url, transport } = definition
  const written = Object.entries(transportNames).find(([name]) => name === transport)
  if (written !== undefined) return written[1]
  if (transport !== undefined) return null
  if (typeof url !== 'string') return 'stdio'
  return /^wss?:/i.test(url) ? 'websocket' : 'streamable_http'
}

/** Every default that depends on other keys is written out. Throws a ZodError where the cross-checks were skipped. */
export function completeDefinition(definition: ServerDefinition): ServerDefinition {
  const { kind, ...parts } = toTransport(definition)
  return { ...parts, transport: kind, ...Common.parse(definition), isolation: toIsolation(definition, kind) }
}

export function toServer(name: string, definition: ServerDefinition): Server {
  const transport = toTransport(definition)
  const isolation = toIsolation(definition, transport.kind)
  return Server.parse({ ...Common.parse(definition), name, transport, isolation })
}

/** A child process is one; over a network, two principals must not share what a session remembers. */
function toIsolation({ isolation }: ServerDefinition, kind: Transport['kind']): Isolation {
  return isolation ?? (kind === 'stdio' ? 'shared' : 'principal')
}

function toTransport(definition: ServerDefinition): Transport {
  const { url, credential, headers, forwardHeaders, cookies, variables, tls, command, args, env, cwd } = definition
  const parts = { url, credential, headers, forwardHeaders, cookies, variables, tls, command, args, env, cwd }
  const written = Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined))
  return Transport.parse({ kind: transportKind(definition), ...written })
}
