/** Calls that another replica has parked: it has the upstream's open request, and goes on with it for whoever parked it. */
import { GatewayError } from '#contract/errors.ts'
import type { ReplicaAsks } from '#core/bus/replica-asks.ts'
import type { Asker } from '#core/bus/replica-service.ts'
import { isJsonObject, isNotification, toOutcome, type JsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { goingOf, resumeParked } from './modern-to-legacy.ts'
import type { ParkedCalls } from './parked-calls.ts'
import type { Target } from './target.ts'

export type ParkedElsewhereDeps = { asks: ReplicaAsks; parked: ParkedCalls; hash: (text: string) => string }

const kind = 'parked-calls'
/** The state of a modern server may look like this too: then no replica has such a call, and it is refused. */
const handleForm = /^prk_[\w-]{20}@(replica_[\w-]{20})$/

export class ParkedElsewhere {
  readonly #deps: ParkedElsewhereDeps

  constructor(deps: ParkedElsewhereDeps) {
    this.#deps = deps
    deps.asks.serve(kind, (asked, asker) => this.#serve(asked, asker))
  }

  /**
   * Has the replica that parked the call go on with it. The caller has been checked here as for any call; there its binding is.
   * @returns null where it is not parked elsewhere
   * @throws GatewayError `request_state_invalid`, also where that replica has gone; `replica_lost`, `storage_unavailable`
   */
  resume(call: ClientCall, target: Target): Promise<Outcome> | null {
    const { requestState } = target.params
    const replica = typeof requestState === 'string' ? handleForm.exec(requestState)?.[1] : undefined
    return replica === undefined || replica === this.#deps.asks.id ? null : this.#ask(replica, call, target)
  }

  async #ask(replica: string, call: ClientCall, target: Target): Promise<Outcome> {
    const { requestState: handle, inputResponses } = target.params
    const { method, binding, capabilities } = goingOf(call, target, this.#deps)
    const question = { handle, binding, method, capabilities, inputResponses }
    const note = (said: JsonObject): void => {
      if (isNotification(said)) call.reply.notify(said)
    }
    const answer = await this.#deps.asks.ask(replica, { kind, question }, { cancellation: call.cancellation, note })
    const outcome = answer && toOutcome({ jsonrpc: '2.0', id: null, ...answer })
    if (!outcome) throw new GatewayError('request_state_invalid')
    return outcome
  }

  async #serve(asked: JsonObject, { cancellation, note }: Asker): Promise<JsonObject> {
    const { handle, binding, method, capabilities, inputResponses } = asked
    if (typeof handle !== 'string' || typeof binding !== 'string' || typeof method !== 'string')
      throw new GatewayError('request_state_invalid')
    const reply = { notify: note, ask: null }
    const { parked } = this.#deps
    const able = isJsonObject(capabilities) ? capabilities : {}
    return resumeParked(
      { handle, inputResponses },
      { method, capabilities: able, reply, cancellation, binding, parked },
    )
  }
}
