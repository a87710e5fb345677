/**
 * A loopback proxy that adds the Authorization header, which the official suite cannot send.
 *
 *     node token-shim.ts --target http://127.0.0.1:8080 --token tg_… [--port N]
 */
import { Agent, createServer, request as openRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { listenOnLoopback, type LoopbackServer } from './loopback-server.ts'

/**
 * Forwards method, path and every header (Host and Origin too) as they came, and streams both bodies. When one side goes
 * away, the other is cut. A request that has an Authorization header keeps it.
 *
 * @param target origin of the gateway, without a path.
 */
export async function startTokenShim(options: {
  target: string
  token: string
  port?: number
}): Promise<LoopbackServer> {
  const target = new URL(options.target)
  // One connection per request: a connection that is reused just when its owner closes it would be an error of the shim.
  const agent = new Agent({ keepAlive: false })
  const server = createServer((incoming, answer) => {
    const outgoing = openRequest({
      agent,
      host: target.hostname,
      port: target.port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: withToken(incoming, options.token),
      setHost: false,
    })
    outgoing.on('response', (response) => relay(response, answer))
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  return listenOnLoopback(server, { port: options.port ?? 0, path: '', onClose: async () => agent.destroy() })
}

function withToken({ headers, rawHeaders }: IncomingMessage, token: string): string[] {
  return headers.authorization === undefined ? [...rawHeaders, 'Authorization', `Bearer ${token}`] : rawHeaders
}

function relay(response: IncomingMessage, answer: ServerResponse): void {
  answer.sendDate = false
  answer.writeHead(response.statusCode ?? 502, response.statusMessage, response.rawHeaders)
  // An event stream may stay silent for long: its headers must not wait for the first event.
  answer.flushHeaders()
  response.on('error', () => answer.destroy())
  response.pipe(answer)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: 'string' }, token: { type: 'string' }, port: { type: 'string', default: '0' } },
  })
  if (!values.target || !values.token) throw new Error('--target and --token are required')
  const shim = await startTokenShim({ target: values.target, token: values.token, port: Number(values.port) })
  process.stdout.write(`${shim.url}\n`)
}
