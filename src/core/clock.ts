/** Port: time. Core and the planes own no clock and no timer. Types only. */

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
  /** Runs `task` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, task: () => void): () => void
}
