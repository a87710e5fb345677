/** Legacy methods that speak of the client's session. */
import { GatewayError } from '#contract/errors.ts'
import { ensureLogLevel, isLogLevel } from '#gateway/client/log-level.ts'
import { watchResource } from '#gateway/client/watch-resource.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Run } from './method-context.ts'
import { requireText, routeResource, withAskedUri } from './route.ts'
import { wordOf } from './calls.ts'

export function ping(): Promise<Answer> {
  return Promise.resolve({ result: {} })
}

export async function setLogLevel({ call }: Run): Promise<Answer> {
  const level = call.message.params?.['level']
  if (!isLogLevel(level))
    throw new GatewayError('invalid_params', { details: { reason: 'params.level is not a log level' } })
  call.facts.logLevel = level
  call.session?.setLogLevel(level)
  const sessions = [...(call.session?.places ?? [])].flatMap((place) => place.session ?? [])
  await Promise.all(sessions.map((session) => ensureLogLevel(session, level)))
  return { result: {} }
}

/** Answered with the upstream's own answer; where it watches the resource already, that is its answer to this client as well. */
export async function subscribe(run: Run): Promise<Answer> {
  const { call, facts } = run
  if (!call.session) throw new GatewayError('session_required')
  const exposedUri = requireText(call.message.params, 'uri')
  const { upstream, uri } = await routeResource(run, exposedUri)
  facts.server = upstream.name
  facts.target = uri
  facts.reason = wordOf(call.principal.access.server(upstream.name))
  facts.credential = upstream.credentialOf(call.principal)
  const outcome = await watchResource(call.session, { upstream, uri, cancellation: call.cancellation })
  return withAskedUri(outcome, { uri, exposedUri })
}

export async function unsubscribe(run: Run): Promise<Answer> {
  const { call, facts } = run
  const { upstream, uri } = await routeResource(run, requireText(call.message.params, 'uri'))
  facts.server = upstream.name
  facts.target = uri
  call.session?.unwatch(upstream.name, uri)
  return { result: {} }
}
