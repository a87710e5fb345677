/** Whether what belongs to no call may be asked for again: with a credential that is good now, and not with one that was refused. */
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import type { SessionOptions } from './upstream-session.ts'

/**
 * No credential is renewed for a refusal here, and none is taken to be bad: there are servers that refuse nothing but this.
 * @param failure what ended it; undefined: it ended in good order
 */
export async function isReadyAgain(
  { lease, ready }: Pick<SessionOptions, 'lease' | 'ready'>,
  failure: unknown,
): Promise<boolean> {
  try {
    await ready?.()
  } catch {
    return false
  }
  const refusal = failure instanceof UpstreamRefused ? failure.toRefusal(false) : null
  return refusal?.sent !== lease.headers
}
