/** The methods that reach an upstream: each resolves names, decides, and forwards. */
import { GatewayError } from '#contract/errors.ts'
import { allowsExecute, allowsRead, type Decision } from '#core/access/decide.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { checkParamHeaders } from '#core/protocol/mcp-headers.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { forward } from '#gateway/relay/forward.ts'
import type { Exposed, ListView } from '#gateway/catalog/views.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { canBecomeTask, knownParams, noteTask } from './announced-tasks.ts'
import { withoutConnectAnswer } from './ask-to-connect.ts'
import { viewOf, type Run } from './method-context.ts'
import { exposeResult, findByAlias, findEntry, requireText, routeResource, withAskedUri } from './route.ts'

export function callTool(run: Run): Promise<Answer> {
  const name = requireText(run.call.message.params, 'name')
  run.facts.target = name
  refuseUnseen(run, name)
  const found = viewOf(run, 'tools')
  return found instanceof Promise ? found.then((view) => callToolOf(run, view, name)) : callToolOf(run, found, name)
}

function callToolOf(run: Run, view: ListView, name: string): Promise<Answer> {
  const { call, context } = run
  const tool = view.entries.get(name) ?? findByAlias(run, view, name)
  if (!tool) throw whyUnknown(run, view, name)
  const params = withoutConnectAnswer(knownParams(call))
  decideCall(run, tool, params['arguments'])
  if (call.era === 'modern' && call.headers !== null) {
    checkParamHeaders(call.headers, tool.item.paramHeaders, params['arguments'])
  }
  const target = {
    upstream: tool.upstream,
    method: 'tools/call',
    params: tool.item.key === name ? params : { ...params, name: tool.item.key },
    paramHeaders: tool.item.paramHeaders,
    outputSchema: tool.item.item['outputSchema'],
    toExposed: exposeResult(run, tool.upstream),
  }
  // Its text holds what was taken out; and where arguments decide, a name may stand in it twice, of which we saw the last.
  const isOtherText = params !== call.message.params || tool.decision.isConditional === true
  const sent = call.large !== null && isOtherText ? { ...call, large: null } : call
  const send = (): Promise<Answer> => forward(sending(run, sent, tool.upstream), target, context.forward)
  const answer = call.beforeCall ? call.beforeCall(tool.item.item).then(send) : send()
  return canBecomeTask(call) ? answer.then((given) => noteTask(run, tool, given)) : answer
}

/** From now on the server is waited for. */
function sending({ facts, context }: Run, call: ClientCall, upstream: Upstream): ClientCall {
  facts.sentAt = context.clock.now()
  facts.credential = upstream.credentialOf(call.principal)
  return call
}

/** A server that its caller has not connected yet may have the tool: then that is told, to whoever could see it. */
function whyUnknown({ call, context }: Run, { unconnected }: ListView, name: string): GatewayError {
  const { separator } = context
  const at = name.indexOf(separator)
  const server = at > 0 && unconnected.size > 0 ? context.registry().find(name.slice(0, at))?.name : undefined
  const why = server === undefined ? undefined : unconnected.get(server)
  if (server !== undefined && why) {
    const { level } = call.principal.access.tool(server, name.slice(at + separator.length))
    if (allowsRead(level)) return why
  }
  return new GatewayError('tool_not_found', { details: { name: name.slice(0, 128) } })
}

/** Where names are the server's own the policies can be asked before the list is: a refusal then costs no upstream anything. */
function refuseUnseen({ call, facts }: Run, name: string): void {
  const [only] = call.endpoint.upstreams
  if (call.endpoint.kind !== 'single' || !only) return
  const decision = call.principal.access.tool(only.name, name)
  if (allowsRead(decision.level)) return
  facts.server = only.name
  facts.reason = wordOf(decision)
  facts.effect = 'deny'
  throw new GatewayError('tool_not_found', { details: { name: name.slice(0, 128) } })
}

/** Steps 4 to 6. A tool that may be seen and not called says why; one that may not be seen is unknown (see the lists). */
function decideCall({ call, facts }: Run, { upstream, item, decision: listed }: Exposed, args: unknown): void {
  const { access } = call.principal
  const decision = listed.isConditional === true ? access.call(upstream.name, item.key, args) : listed
  facts.server = upstream.name
  facts.target = item.key
  facts.reason = decision === listed ? wordOfListed(decision) : wordOf(decision)
  if (allowsExecute(decision.level)) return
  facts.effect = 'deny'
  throw new GatewayError('forbidden', {
    details: { reason: facts.reason, needed: 'execute', level: decision.level },
  })
}

const words = new WeakMap<Decision, string>()

/** The same text for each call of a tool of one list: the audit finds it again without looking into it. */
function wordOfListed(decision: Decision): string {
  let word = words.get(decision)
  if (word === undefined) words.set(decision, (word = wordOf(decision)))
  return word
}

/** Arguments are named by their place, and what stands there never: the words go into the audit log, and to the caller. */
export function wordOf({ reason, unmet }: Decision): string {
  const words = wordOfReason(reason)
  if (!unmet) return words
  return `${words}; rule ${unmet.index} of policy ${unmet.policy} does not allow this ${unmet.parameter}`
}

function wordOfReason(reason: Decision['reason']): string {
  switch (reason.kind) {
    case 'rule': {
      const words = `rule ${reason.index} of policy ${reason.policy}`
      return reason.parameter === undefined ? words : `${words}, for ${reason.parameter}`
    }
    case 'default':
      return `default of policy ${reason.policy}`
    case 'everyone':
      return 'server for everyone'
    case 'ceiling':
      return `outside ${reason.name}`
    case 'name_too_long':
      return 'name too long'
    default:
      return 'no policy'
  }
}

export async function getPrompt(run: Run): Promise<Answer> {
  const { call, facts } = run
  const name = requireText(call.message.params, 'name')
  facts.target = name
  const prompt = await findEntry(run, 'prompts', name)
  if (!prompt) throw new GatewayError('prompt_not_found', { details: { name: name.slice(0, 128) } })
  facts.server = prompt.upstream.name
  facts.target = prompt.item.key
  facts.reason = wordOf(prompt.decision)
  const params = withoutConnectAnswer({ ...call.message.params, name: prompt.item.key })
  return forward(
    sending(run, call, prompt.upstream),
    {
      upstream: prompt.upstream,
      method: 'prompts/get',
      params,
      paramHeaders: [],
      toExposed: exposeResult(run, prompt.upstream),
    },
    run.context.forward,
  )
}

export async function readResource(run: Run): Promise<Answer> {
  const { call, facts } = run
  const exposedUri = requireText(call.message.params, 'uri')
  facts.target = exposedUri
  const { upstream, uri } = await routeResource(run, exposedUri)
  facts.server = upstream.name
  facts.target = uri
  facts.reason = wordOf(call.principal.access.server(upstream.name))
  const params = withoutConnectAnswer({ ...call.message.params, uri })
  const toExposed = exposeResult(run, upstream)
  const target = { upstream, method: 'resources/read', params, paramHeaders: [], toExposed }
  const answer = await forward(sending(run, call, upstream), target, run.context.forward)
  return exposedUri === uri ? answer : withAskedUri(answer, { uri, exposedUri })
}

export async function complete(run: Run): Promise<Answer> {
  const { call, facts } = run
  const ref = call.message.params?.['ref']
  if (!isJsonObject(ref))
    throw new GatewayError('invalid_params', { details: { reason: 'params.ref must be an object' } })
  const routed = ref['type'] === 'ref/prompt' ? await routePromptRef(run, ref) : await routeResourceRef(run, ref)
  facts.server = routed.upstream.name
  facts.target = routed.target
  facts.reason = wordOf(call.principal.access.server(routed.upstream.name))
  const params = { ...call.message.params, ref: routed.ref }
  const target = { upstream: routed.upstream, method: 'completion/complete', params, paramHeaders: [], toExposed: null }
  return forward(sending(run, call, routed.upstream), target, run.context.forward)
}

async function routePromptRef(run: Run, ref: JsonObject) {
  const name = requireText(ref, 'name')
  const prompt = await findEntry(run, 'prompts', name)
  if (!prompt) throw new GatewayError('prompt_not_found', { details: { name: name.slice(0, 128) } })
  return { upstream: prompt.upstream, target: prompt.item.key, ref: { ...ref, name: prompt.item.key } }
}

async function routeResourceRef(run: Run, ref: JsonObject) {
  const { upstream, uri } = await routeResource(run, requireText(ref, 'uri'))
  return { upstream, target: uri, ref: { ...ref, uri } }
}
