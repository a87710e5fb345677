/** Legacy methods that speak of the client's session. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { ensureLogLevel, isLogLevel } from '#gateway/client/log-level.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { requireText, routeResource } from './route.ts'
import { wordOf } from './calls.ts'

export function ping(): Promise<Answer> {
  return Promise.resolve({ result: {} })
}

export async function setLogLevel({ call }: Run): Promise<Answer> {
  const level = call.message.params?.['level']
  if (!isLogLevel(level))
    throw new GatewayError('invalid_params', { details: { reason: 'params.level is not a log level' } })
  call.facts.logLevel = level
  const sessions = [...(call.session?.places ?? [])].flatMap((place) => place.session ?? [])
  await Promise.all(sessions.map((session) => ensureLogLevel(session, level)))
  return { result: {} }
}

export async function subscribe(run: Run): Promise<Answer> {
  const { call, facts } = run
  const { upstream, uri } = await routeResource(run, requireText(call.message.params, 'uri'))
  facts.server = upstream.name
  facts.target = uri
  facts.reason = wordOf(call.principal.access.server(upstream.name))
  const place = upstream.place(toViewCaller(call).user)
  const session = await place.acquire()
  const declared = session.facts.capabilities['resources']
  if (!isJsonObject(declared) || declared['subscribe'] !== true) throw new GatewayError('method_not_found')
  call.session?.watch(upstream.name, uri)
  call.session?.join(place)
  place.refreshListening()
  return { result: {} }
}

export async function unsubscribe(run: Run): Promise<Answer> {
  const { call, facts } = run
  const { upstream, uri } = await routeResource(run, requireText(call.message.params, 'uri'))
  facts.server = upstream.name
  facts.target = uri
  call.session?.unwatch(upstream.name, uri)
  upstream.place(toViewCaller(call).user).refreshListening()
  return { result: {} }
}
