import { setTimeout as delay } from 'node:timers/promises'

/** Waits for what other processes bring about. @throws after `timeoutMs`, with what was waited for in the message */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { timeoutMs = 3_000, pollMs = 10 } = {},
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await delay(pollMs)
  }
}
