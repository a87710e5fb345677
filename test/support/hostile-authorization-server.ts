/** A plain HTTP server in the place of an authorization server, or of an MCP server, which says whatever a test wants it to. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Said = {
  status?: number
  headers?: Record<string, string>
  /** The body, unless there is `text`. */
  json?: unknown
  text?: string | Buffer
  /** Bytes that are sent for as long as somebody takes them, after the body. */
  floodBytes?: number
  /** `before`: nothing comes. `within`: the head comes, and nothing more. */
  hangs?: 'before' | 'within'
  /** The bytes of the answer as they are, and the end of the connection. */
  raw?: string
}

export type Heard = { method: string; path: string; headers: IncomingHttpHeaders; body: string }

export type HostileServer = AsyncDisposable & {
  origin: string
  heard: Heard[]
  /** Method and path of each request, in order. */
  seen(): string[]
  /** Bytes of floods that were given to the system. */
  flooded(): number
  /** What is answered at a path from now on, to any method. Everything else is 404. */
  say(path: string, said: Said | ((heard: Heard) => Said)): void
  /** Metadata of an authorization server that has nothing wrong but what is in `wrong`. @returns what it says */
  describe(wrong?: Record<string, unknown>, path?: string): Record<string, unknown>
}

export async function openHostileServer(): Promise<HostileServer> {
  const script = new Map<string, Said | ((heard: Heard) => Said)>()
  const heard: Heard[] = []
  const flood = { bytes: 0 }
  const server = createServer((request, response) => {
    void hear(request).then((one) => {
      heard.push(one)
      const said = script.get(one.path) ?? { status: 404 }
      return answer(response, typeof said === 'function' ? said(one) : said, flood)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const say: HostileServer['say'] = (path, said) => void script.set(path, said)
  return {
    origin,
    heard,
    seen: () => heard.map(({ method, path }) => `${method} ${path}`),
    flooded: () => flood.bytes,
    say,
    describe(wrong = {}, path = '/.well-known/oauth-authorization-server') {
      const json = { ...metadataOf(origin), ...wrong }
      say(path, { json })
      return json
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function metadataOf(origin: string): Record<string, unknown> {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    revocation_endpoint: `${origin}/revoke`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  }
}

async function hear(request: IncomingMessage): Promise<Heard> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = '', url: path = '', headers } = request
  return { method, path, headers, body: Buffer.concat(chunks).toString() }
}

async function answer(response: ServerResponse, said: Said, flood: { bytes: number }): Promise<void> {
  if (said.hangs === 'before') return
  if (said.raw !== undefined) {
    response.socket?.end(said.raw)
    return
  }
  response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers })
  response.write(said.text ?? (said.json === undefined ? '' : JSON.stringify(said.json)))
  await pour(response, said.floodBytes ?? 0, flood)
  if (said.hangs === undefined) response.end()
}

const chunk = Buffer.alloc(65_536, ' ')

/** Waits for whoever reads, so that what was sent is what was taken, but for the system's buffers. */
async function pour(response: ServerResponse, bytes: number, flood: { bytes: number }): Promise<void> {
  const gone = once(response, 'close')
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    flood.bytes += chunk.length
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), gone])
  }
}
