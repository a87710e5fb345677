/** Errors as the log tells them. */
import { GatewayError } from '#contract/errors.ts'

/** Without what an upstream may have put in it. */
export function describeError(error: unknown): { name: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error, message: 'not an error' }
  const cause = error.cause instanceof Error ? error.cause : error
  return { name: cause.name, message: cause.message, stack: cause.stack }
}

/** That the database is away is told by who follows what is stored, and by nobody else. */
export function isStorageAway(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'storage_unavailable'
}
