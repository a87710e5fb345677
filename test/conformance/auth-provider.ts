/**
 * The sign-in of the identity provider, which the suite leaves out: it hands the client the ID token instead. Here a person signs in and gets that
 * very token; everything else that the gateway asks for goes on to the suite's own token endpoint, as it came.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenOnLoopback, type LoopbackServer } from './loopback-server.ts'

export type SuiteProvider = { idToken: string; tokenEndpoint: string }

export function startProvider(provider: SuiteProvider): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    answer(provider, request, response).catch(() => response.destroy())
  })
  return listenOnLoopback(server, { port: 0, path: '' })
}

async function answer(provider: SuiteProvider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/authorize') return sendBack(searchParams, response)
  const body = await readText(request)
  if (new URLSearchParams(body).get('grant_type') === 'authorization_code')
    return sendJson(response, 200, tokensWith(provider.idToken))
  const { authorization } = request.headers
  const answered = await fetch(provider.tokenEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(authorization && { authorization }) },
    body,
  })
  return sendJson(response, answered.status, await answered.json())
}

function sendBack(asked: URLSearchParams, response: ServerResponse): void {
  const back = new URL(asked.get('redirect_uri') ?? '')
  back.searchParams.set('code', 'one-sign-in')
  back.searchParams.set('state', asked.get('state') ?? '')
  response.writeHead(302, { location: back.href }).end()
}

function tokensWith(idToken: string): object {
  return { access_token: 'of-the-provider', token_type: 'Bearer', expires_in: 3_600, id_token: idToken }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
