import type { z } from 'zod'
import { GatewayError } from '#contract/errors.ts'

/** @throws GatewayError `invalid_params` */
export function parseQuery<Output>(schema: z.ZodType<Output>, query: unknown): Output {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  const reason = where === '' ? 'the query has an unknown parameter' : `${where}: has a form that is not allowed here`
  throw new GatewayError('invalid_params', { details: { reason } })
}
