/** Which method exists in which era, and who answers it. */
import { GatewayError } from '#contract/errors.ts'
import type { Era } from '#core/protocol/revisions.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { callTool, complete, getPrompt, readResource } from './calls.ts'
import { discover } from './describe.ts'
import { listen } from './listen.ts'
import { listMethod } from './lists.ts'
import type { Run } from './method-context.ts'
import { ping, setLogLevel, subscribe, unsubscribe } from './session-methods.ts'
import { listTasks } from './task-list.ts'
import { relayTask } from './tasks.ts'

type Method = (run: Run) => Promise<Answer>

const common: readonly (readonly [string, Method])[] = [
  ['tools/call', callTool],
  ['tools/list', listMethod('tools')],
  ['prompts/get', getPrompt],
  ['prompts/list', listMethod('prompts')],
  ['resources/read', readResource],
  ['resources/list', listMethod('resources')],
  ['resources/templates/list', listMethod('resourceTemplates')],
  ['completion/complete', complete],
  ['tasks/get', relayTask],
  ['tasks/cancel', relayTask],
]

const methods: Readonly<Record<Era, ReadonlyMap<string, Method>>> = {
  legacy: new Map([
    ...common,
    ['ping', ping],
    ['logging/setLevel', setLogLevel],
    ['resources/subscribe', subscribe],
    ['resources/unsubscribe', unsubscribe],
    ['tasks/result', relayTask],
    ['tasks/list', listTasks],
  ]),
  modern: new Map([
    ...common,
    ['server/discover', discover],
    ['subscriptions/listen', listen],
    ['tasks/update', relayTask],
  ]),
}

/** @throws GatewayError of whatever step refuses or fails */
export function dispatch(run: Run): Promise<Answer> {
  const { era, message } = run.call
  const method = methods[era].get(message.method)
  if (!method) throw new GatewayError('method_not_found', { details: { method: message.method.slice(0, 128) } })
  return method(run)
}
