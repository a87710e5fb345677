/** Ids of requests: they correlate answer, log and audit, and need not be hard to guess; drawing random bytes for each costs more. */
export function createRequestIds(randomId: (prefix: string) => string): () => string {
  const start = randomId('req')
  let count = 0
  return () => `${start}_${(count++).toString(36)}`
}
