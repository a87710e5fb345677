/** Failures as RFC 9457 problem details. */
import type { GatewayError } from '#contract/errors.ts'

export const problemType = 'application/problem+json'

export type Problem = {
  type: string
  title: string
  status: number
  /** The error catalogue's code: what programs decide by. */
  code: string
  /** The request, as the log and the audit know it. */
  instance: string
} & Record<string, unknown>

/** Details stand beside the standard members; none of them can take a standard member's place. */
export function toProblem(error: GatewayError, requestId: string): Problem {
  return {
    ...error.details,
    type: `urn:toolgate:error:${error.code}`,
    title: error.message,
    status: error.status,
    code: error.code,
    instance: requestId,
  }
}
