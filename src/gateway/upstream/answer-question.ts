/** What an upstream's question is answered with, however the asking goes. */
import { toGatewayError } from '#contract/errors.ts'
import { toRpcError, type Outcome } from '#core/protocol/json-rpc.ts'

/** Never rejects: an upstream waits for an answer, and a failure of ours is one. */
export async function outcomeOf(asking: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await asking()
  } catch (error) {
    return { error: toRpcError(toGatewayError(error)) }
  }
}
