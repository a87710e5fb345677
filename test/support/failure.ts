/** The GatewayError with which something fails; anything else it does is the test's failure. Listens from now on. */
import { GatewayError } from '#contract/errors.ts'

export async function failureOf(work: PromiseLike<unknown>): Promise<GatewayError> {
  try {
    await work
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it did not fail')
}
