/** An error for the log, without what an upstream may have put in it. */
export function describeError(error: unknown): { name: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error, message: 'not an error' }
  const cause = error.cause instanceof Error ? error.cause : error
  return { name: cause.name, message: cause.message, stack: cause.stack }
}
