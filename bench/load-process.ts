/** The load generator as a run sees it: a process that takes one order at a time. */
import { once } from 'node:events'
import type { LoadAnswer } from './load.ts'
import type { LoadOrder, LoadReport } from './load-run.ts'
import { scriptPath, startNode } from './processes.ts'

export type Load = AsyncDisposable & {
  /** Runs one measurement. Throws when a connection or a session cannot be opened. */
  run(order: LoadOrder): Promise<LoadReport>
}

/** The generator gives up on a silent candidate after a third of this. */
const silenceMsMax = 30_000

export function startLoad(): Load {
  const started = startNode([scriptPath('load.ts')], { core: 'load', hasChannel: true })
  return {
    async run(order) {
      const ended = new AbortController()
      const onExit = (): void => ended.abort(new Error(`the load generator ended: ${started.output()}`))
      started.child.once('exit', onExit)
      try {
        const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(order.seconds * 1000 + silenceMsMax)])
        const answered = once(started.child, 'message', { signal })
        started.child.send(order)
        const [answer]: [LoadAnswer] = (await answered) as [LoadAnswer]
        if ('error' in answer) throw new Error(answer.error)
        return answer.report
      } finally {
        started.child.off('exit', onExit)
      }
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}
