/** `tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`: from what is known, in prepared text. */
import { serverInfoKey, withoutReservedKeys } from '#core/protocol/envelope.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { Era } from '#core/protocol/revisions.ts'
import { toShownItem, type ListView } from '#gateway/catalog/views.ts'
import type { ListName } from '#gateway/catalog/list-fetch.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { viewOf, type Run } from './method-context.ts'
import { badCursor, pageItemsMax, readCursor, toCursor } from './paging.ts'

export function listMethod(name: ListName): (run: Run) => Promise<Answer> {
  return async (run) => {
    const start = readCursor(run.call.message.params?.['cursor'])
    const found = viewOf(run, name)
    const view = found instanceof Promise ? await found : found
    if (start > 0 && start >= view.entries.size) throw badCursor()
    const { era } = run.call
    return { prepared: preparePage(view, { start, era, run }), ending: 'ok' }
  }
}

function preparePage(view: ListView, page: { start: number; era: Era; run: Run }): Buffer {
  const key = `${page.era} ${page.start}`
  let bytes = view.pages.get(key)
  if (bytes === undefined) {
    bytes = Buffer.from(JSON.stringify(buildPage(view, page)))
    view.pages.set(key, bytes)
  }
  return bytes
}

function buildPage(view: ListView, page: { start: number; era: Era; run: Run }): JsonObject {
  const { start, era, run } = page
  const end = start + pageItemsMax
  const entries = [...view.entries.values()]
  const items = entries.slice(start, end).map((entry) => toShownItem(view.name, entry, era))
  const { _meta, ...extra } = view.extra
  const result: JsonObject = { ...extra, [view.name]: items }
  if (end < entries.length) result['nextCursor'] = toCursor(end)
  const isAggregate = run.call.endpoint.kind === 'aggregate'
  const ownMeta = { 'toolgate/servers': view.reports, [serverInfoKey]: run.context.serverInfo }
  const meta = isAggregate ? ownMeta : _meta
  const shownMeta = era === 'modern' ? meta : withoutReservedKeys(meta)
  if (shownMeta !== undefined) result['_meta'] = shownMeta
  if (era === 'modern') {
    result['resultType'] = 'complete'
    result['ttlMs'] = Math.max(0, Math.min(Math.floor(view.freshUntil - run.context.clock.now()), clientTtlMsMax))
    // What one token sees is cut to its access: never shared.
    result['cacheScope'] = 'private'
  }
  return result
}

/** A prepared page is reused, so the time it promises must hold until the view is made anew. */
const clientTtlMsMax = 5_000
