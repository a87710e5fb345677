/** One question of a legacy upstream, from its coming to its answer. (A modern one asks in a result, and hears of no progress.) */
import { toGatewayError } from '#contract/errors.ts'
import {
  toRpcError,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { progressTokenOf } from './progress-tokens.ts'

export type QuestionPorts = {
  /** Asks whoever can answer. */
  ask: (question: Question) => Promise<Outcome>
  /** Sends a message to the upstream; resolves when it has been taken, or never will be. Never rejects. */
  say: (message: JsonObject) => Promise<void>
}

/** A client that says more than the upstream takes is heard less often. */
const notesMax = 16

/** Resolves when the answer is on its way. Progress is of use only before the answer, and in its order: each message waits for the one before. */
export async function answerQuestion({ id, method, params }: RpcRequest, { ask, say }: QuestionPorts): Promise<void> {
  if (method === 'ping') return say({ jsonrpc: '2.0', id, result: {} })
  let said: Promise<void> | undefined
  let waiting = 0
  const progressed = (note: RpcNotification): void => {
    if (waiting >= notesMax) return
    waiting++
    said = (said ?? Promise.resolve()).then(() => say(note)).finally(() => waiting--)
  }
  const isProgressWanted = progressTokenOf(params) !== undefined
  const outcome = await outcomeOf(() => ask(isProgressWanted ? { method, params, progressed } : { method, params }))
  await said
  await say({ jsonrpc: '2.0', id, ...outcome })
}

/** Never rejects: an upstream waits for an answer, and a failure of ours is one. */
async function outcomeOf(asking: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await asking()
  } catch (error) {
    return { error: toRpcError(toGatewayError(error)) }
  }
}
