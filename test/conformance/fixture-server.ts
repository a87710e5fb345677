/**
 * The "everything" MCP server that the official scenarios run against, directly or behind the gateway.
 *
 *     node fixture-server.ts --era legacy|modern|dual [--port N]
 *
 * Prints its address. Port 0, the default, takes a free one.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { localhostHostValidation, localhostOriginValidation, toWebRequest } from '@modelcontextprotocol/node'
import { isLegacyRequest } from '@modelcontextprotocol/server'
import { createLegacyEndpoint } from './fixture/legacy-endpoint.ts'
import { createLiveLists } from './fixture/live-lists.ts'
import { createModernEndpoint } from './fixture/modern-endpoint.ts'
import { toSdkRequest } from './fixture/sdk-request.ts'
import { listenOnLoopback, type LoopbackServer } from './loopback-server.ts'

export const eras = ['legacy', 'modern', 'dual'] as const
export type Era = (typeof eras)[number]

const bodyBytesMax = 4 * 1024 * 1024

export async function startFixture({ era, port = 0 }: { era: Era; port?: number }): Promise<LoopbackServer> {
  const lists = createLiveLists()
  const legacy = createLegacyEndpoint(lists)
  const modern = createModernEndpoint(lists)
  const isHostAllowed = localhostHostValidation()
  const isOriginAllowed = localhostOriginValidation()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return
    if (era === 'modern') return modern.handle(request, response, undefined)
    if (era === 'legacy') return legacy.handle(request, response, undefined)
    const body = request.method === 'POST' ? await readJson(request) : undefined
    const isLegacy = await isLegacyRequest(await toWebRequest(toSdkRequest(request), body))
    await (isLegacy ? legacy : modern).handle(request, response, body)
  }

  const listener: RequestListener = (request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(toError(error)))
  }
  return listenOnLoopback(createServer(listener), {
    port,
    path: '/mcp',
    onClose: async () => {
      await Promise.all([legacy.close(), modern.close()])
    },
  })
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new Error('body too large')
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

if (import.meta.main) {
  const { values } = parseArgs({
    options: { era: { type: 'string', default: 'dual' }, port: { type: 'string', default: '0' } },
  })
  const era = eras.find((name) => name === values.era)
  if (!era) throw new Error(`--era is one of ${eras.join(', ')}`)
  const fixture = await startFixture({ era, port: Number(values.port) })
  process.stdout.write(`${fixture.url}\n`)
}
