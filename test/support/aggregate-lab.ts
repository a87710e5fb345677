/** Servers with the same names for everything, behind one gateway: whatever answers says whose it is. */
import { startGateway, type GatewayProcess } from './gateway-process.ts'
import { listOf, type Address, type Received } from './raw/client.ts'
import { RpcFailure, tool, type Era, type Json, type RawHandlers } from './raw/exchange.ts'
import { startRawUpstream } from './raw/http-upstream.ts'
import { tokenFor } from './tokens.ts'

const [longName, longTwin] = ['a', 'b'].map((end) => `${'very-long-name-'.repeat(6)}${end}`) as [string, string]
const shortNames = ['plain', 'with space', 'with/slash', 'with_slash', 'ünïcödé', 'dots.and-dashes']
export const oddNames = [...shortNames, longName, longTwin]
export const uris = ['test://same', 'file:///etc/hosts?a=b#c', 'urn:x:ü', 'data:text/plain,a%2Fb']
/** What most tokens are shown: `delta` is denied to all, `off` is not enabled. */
export const shownServers = ['alpha', 'beta', 'gamma']

const eras: Record<string, Era> = { alpha: 'legacy', beta: 'modern', gamma: 'legacy', delta: 'legacy', off: 'legacy' }
const capabilities = { tools: {}, prompts: {}, resources: {}, completions: {} }

export type AggregateLab = AsyncDisposable & {
  gateway: GatewayProcess
  /** @param narrow the value of `x-mcp-servers` */
  at(path: string, narrow?: string, user?: 'most' | 'none'): Address
}

export async function startAggregateLab(naming: Json = {}): Promise<AggregateLab> {
  await using starting = new AsyncDisposableStack()
  const url: Record<string, string> = {}
  for (const [name, era] of Object.entries(eras)) {
    const upstream = starting.use(await startRawUpstream([era], { name, capabilities, handlers: handlersOf(name) }))
    url[name] = upstream.url
  }
  const gateway = starting.use(
    await startGateway({
      naming,
      servers: {
        alpha: { url: url['alpha'], aliases: ['first'], labels: ['team', 'docs'] },
        beta: { url: url['beta'], labels: ['team'] },
        gamma: { url: url['gamma'] },
        delta: { url: url['delta'] },
        off: { url: url['off'], isEnabled: false, aliases: ['hidden'], labels: ['unseen'] },
      },
      policies: { most: { default: 'execute', rules: [{ server: 'delta', level: 'deny' }] }, none: {} },
      tokens: ['most', 'none'].map((name) => ({ name, secret: tokenFor(name), policies: [name] })),
    }),
  )
  const started = starting.move()
  return {
    gateway,
    at: (path, narrow, user = 'most') => ({
      url: `${gateway.url}${path}`,
      token: tokenFor(user),
      headers: narrow === undefined ? {} : { 'x-mcp-servers': narrow },
    }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** Everything answers with what it was asked for, by the server's own name. */
const handlersOf = (server: string): RawHandlers => {
  const saying = (what: unknown): string => `${server}: ${String(what)}`
  return {
    'tools/list': () => ({ tools: [...oddNames, 'links'].map((name) => tool(name)) }),
    'tools/call': ({ params: { name } }) =>
      name === 'links' ? linksOf(server) : { content: [{ type: 'text', text: saying(name) }] },
    'prompts/list': () => ({ prompts: [{ name: 'greet' }, { name: 'with/slash' }] }),
    'prompts/get': ({ params: { name } }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: saying(name) } }],
    }),
    'resources/list': () => ({ resources: uris.map((uri) => ({ uri, name: uri })) }),
    'resources/templates/list': () => ({
      resourceTemplates: [{ uriTemplate: 'test://item/{id}{?q}', name: 'item' }],
    }),
    'resources/read': ({ params: { uri } }) => {
      if (uri === 'test://gone') throw new RpcFailure(-32002, 'gone', { uri })
      return { contents: [{ uri, text: saying(uri) }] }
    },
    'completion/complete': ({ params: { ref } }) => ({ completion: { values: [saying(JSON.stringify(ref))] } }),
  }
}

const linksOf = (server: string): Json => ({
  content: [
    { type: 'resource_link', uri: `test://made-by/${server}`, name: 'link' },
    { type: 'resource', resource: { uri: 'test://embedded', text: 'whole' } },
  ],
})

export const namesOf = (answer: Received, member: string): string[] =>
  listOf<{ name: string }>(answer, member).map(({ name }) => name)

/** The texts of all that an answer holds: content, contents, messages. */
export function textsOf({ result }: Received): unknown[] {
  const parts = Object.values(result ?? {}).flatMap((list) => (Array.isArray(list) ? (list as Json[]) : []))
  return parts.map((part) => part['text'] ?? (part['content'] as Json | undefined)?.['text'])
}
