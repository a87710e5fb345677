/** An answer that is kept for a repeated request may hold a secret: it is stored sealed, for the request alone. */

export function answerContext({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify(['idempotency', scope, key])
}
