/** Fetches one of an upstream's lists, all pages of it. */
import { GatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { UpstreamSession } from '#gateway/upstream/upstream-session.ts'

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

const listMethods: Readonly<Record<ListName, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
}

/** The server capability that a list belongs to. */
const capabilityOf: Readonly<Record<ListName, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
}

export type FetchedList = {
  items: JsonObject[]
  /** How long the upstream says the list holds, in milliseconds; undefined where it says nothing. */
  ttlMs: number | undefined
  /** Members of the result that are neither the items nor the protocol's: they are relayed where the list stands alone. */
  extra: JsonObject
}

const pagesMax = 1_000
const methodNotFound = -32601

export async function fetchList(
  session: UpstreamSession,
  list: ListName,
  options: {
    clientInfo: JsonObject
    capabilities: JsonObject
    itemsMax: number
    /** Of all pages, in UTF-16 units of their JSON. */
    charsMax: number
    cancellation: Cancellation
  },
): Promise<FetchedList> {
  const fetched: FetchedList = { items: [], ttlMs: undefined, extra: {} }
  if (!isJsonObject(session.facts.capabilities[capabilityOf[list]])) return fetched
  let cursor: string | undefined
  let chars = 0
  const cursors = new Set<string>()
  for (let page = 0; page < pagesMax; page++) {
    const outcome = await askPage(session, list, { ...options, cursor })
    if ('error' in outcome) {
      // Servers declare resources and have no templates: that is an empty list.
      if (outcome.error.code === methodNotFound) return fetched
      throw notMcp('the list was refused')
    }
    const next = takePage(fetched, list, outcome.result)
    if (fetched.items.length > options.itemsMax)
      throw new GatewayError('upstream_too_large', { details: { itemsMax: options.itemsMax } })
    chars += JSON.stringify(outcome.result).length
    if (chars > options.charsMax)
      throw new GatewayError('upstream_too_large', { details: { listCharsMax: options.charsMax } })
    // A cursor that comes again leads in a circle: everything has been seen.
    if (next === undefined || cursors.has(next)) return fetched
    cursors.add(next)
    cursor = next
  }
  throw new GatewayError('upstream_too_large', { details: { pagesMax } })
}

async function askPage(
  session: UpstreamSession,
  list: ListName,
  options: { clientInfo: JsonObject; capabilities: JsonObject; cursor: string | undefined; cancellation: Cancellation },
): Promise<Outcome> {
  const plain: JsonObject = options.cursor === undefined ? {} : { cursor: options.cursor }
  const facts = { capabilities: options.capabilities, info: options.clientInfo, logLevel: undefined }
  const params = session.facts.era === 'modern' ? withEnvelope(plain, facts) : plain
  const answer = await session.call(
    { method: listMethods[list], params, headers: [], raw: null },
    {
      notify: () => undefined,
      ask: () => Promise.resolve({ error: { code: methodNotFound, message: 'Method not found' } }),
      cancellation: options.cancellation,
    },
  )
  if ('result' in answer || 'error' in answer) return answer
  throw notMcp('no result')
}

/** @returns the next cursor */
function takePage(fetched: FetchedList, list: ListName, result: JsonObject): string | undefined {
  const { [list]: items, nextCursor, ttlMs, cacheScope: _scope, resultType: _type, ...extra } = result
  if (!Array.isArray(items)) throw notMcp('the list is missing')
  for (const item of items) if (isJsonObject(item)) fetched.items.push(item)
  if (typeof ttlMs === 'number' && ttlMs >= 0) fetched.ttlMs = Math.min(fetched.ttlMs ?? ttlMs, ttlMs)
  fetched.extra = { ...extra, ...fetched.extra }
  return typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined
}
