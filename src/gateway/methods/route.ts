/** Step 3 of a call for what is no tool: from the endpoint's names to a server and its own names. */
import { GatewayError } from '#contract/errors.ts'
import { exposeUri, parseExposedUri } from '#core/naming/resource-uri.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { foldCase } from '#core/protocol/scan.ts'
import { allowsRead } from '#core/access/decide.ts'
import type { Exposed, ListView } from '#gateway/catalog/views.ts'
import type { ListName } from '#gateway/catalog/list-fetch.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { viewOf, type Run } from './method-context.ts'

export function requireText(params: JsonObject | undefined, member: string): string {
  const value = params?.[member]
  if (typeof value !== 'string' || value === '') {
    throw new GatewayError('invalid_params', { details: { reason: `params.${member} must be a text` } })
  }
  // Some servers read members without regard to case (Go does): they would be asked for what nobody decided on.
  for (const key in params) {
    if (key !== member && key.length === member.length && foldCase(key) === foldCase(member))
      throw new GatewayError('invalid_params', { details: { reason: `params.${member} is there in two spellings` } })
  }
  return value
}

/** The entry of a list, by the name the client used; a name with an alias as its prefix is the real name's. */
export async function findEntry(run: Run, list: ListName, name: string): Promise<Exposed | undefined> {
  const found = viewOf(run, list)
  const view = found instanceof Promise ? await found : found
  return view.entries.get(name) ?? findByAlias(run, view, name)
}

export function findByAlias(run: Run, view: ListView, name: string): Exposed | undefined {
  const { context } = run
  if (run.call.endpoint.kind === 'single') return undefined
  const at = name.indexOf(context.separator)
  if (at <= 0) return undefined
  const real = context.registry().find(name.slice(0, at))
  return real && view.entries.get(real.name + name.slice(at))
}

export type RoutedResource = { upstream: Upstream; uri: string }

/**
 * The server of a resource. On an aggregate the URI says it; a URI that stands elsewhere in an answer without its prefix is looked for in
 * the lists, and must be found at one server only.
 * @throws GatewayError `resource_not_found`
 */
export async function routeResource(run: Run, uri: string): Promise<RoutedResource> {
  const { endpoint } = run.call
  const [only] = endpoint.upstreams
  if (endpoint.kind === 'single' && only) return mayRead(run, { upstream: only, uri }, uri)
  const parsed = parseExposedUri(uri)
  if (parsed) {
    const real = run.context.registry().find(parsed.server)
    const upstream = endpoint.upstreams.find((candidate) => candidate === real)
    if (!upstream) throw missing(run, uri)
    return mayRead(run, { upstream, uri: parsed.uri }, uri)
  }
  const view = await viewOf(run, 'resources')
  const owners = [...view.entries.values()].filter((entry) => entry.item.key === uri)
  const [owner] = owners
  if (!owner || owners.length > 1) throw missing(run, uri)
  return { upstream: owner.upstream, uri }
}

/** What may not be read is refused exactly as what does not exist: with the caller's own URI. */
function mayRead(run: Run, routed: RoutedResource, asked: string): RoutedResource {
  const decision = run.call.principal.access.server(routed.upstream.name)
  if (!allowsRead(decision.level)) throw missing(run, asked)
  return routed
}

/** 2025-11-25, resources: −32002; 2026-07-28 has no such code. */
function missing(run: Run, uri: string): GatewayError {
  const details = { uri: uri.slice(0, 2048) }
  return new GatewayError('resource_not_found', run.call.era === 'legacy' ? { details, rpcCode: -32002 } : { details })
}

/** An error that names the resource names it as the client did. */
export function withAskedUri<Kind extends Answer>(answer: Kind, asked: { uri: string; exposedUri: string }): Kind {
  const { uri, exposedUri } = asked
  if (!('error' in answer) || !isJsonObject(answer.error.data) || answer.error.data['uri'] !== uri) return answer
  return { ...answer, error: { ...answer.error, data: { ...answer.error.data, uri: exposedUri } } }
}

/** How a result must read for this client: with the endpoint's URIs, so that they can be read back through it, and in words that it knows. */
export function exposeResult(
  { call }: Pick<Run, 'call'>,
  upstream: Upstream,
): ((result: JsonObject) => JsonObject) | null {
  const { endpoint, session } = call
  const known = session?.knownContent
  if (endpoint.kind === 'single') return known ? (result) => known.apply(result) : null
  if (!known) return (result) => exposeUris(result, upstream.name)
  return (result) => known.apply(exposeUris(result, upstream.name))
}

function exposeUris(result: JsonObject, server: string): JsonObject {
  const exposed = { ...result }
  for (const member of ['content', 'contents', 'messages'] as const) {
    const list = result[member]
    if (Array.isArray(list)) exposed[member] = list.map((part: unknown) => exposePart(part, server))
  }
  return exposed
}

/** A content block, a resource's contents, or a prompt message that holds a content block. */
function exposePart(part: unknown, server: string): unknown {
  if (!isJsonObject(part)) return part
  const exposed = { ...part }
  if (typeof part['uri'] === 'string') exposed['uri'] = exposeUri(server, part['uri'])
  for (const member of ['resource', 'content'] as const) {
    if (member in part)
      exposed[member] = Array.isArray(part[member])
        ? part[member].map((inner) => exposePart(inner, server))
        : exposePart(part[member], server)
  }
  return exposed
}
