/** The first signal asks to end, the second one insists. */

/** npm passes on what the terminal has already sent, so one Ctrl-C can arrive twice. */
const sameSignalMs = 500
const signals = ['SIGINT', 'SIGTERM'] as const

/** Resolves at the first SIGINT or SIGTERM. A later one ends the process as if nobody listened. */
export function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | null = null
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === null) {
        firstAt = performance.now()
        resolve()
      } else if (performance.now() - firstAt > sameSignalMs) {
        for (const name of signals) process.off(name, onSignal)
        process.kill(process.pid, signal)
      }
    }
    for (const name of signals) process.on(name, onSignal)
  })
}
