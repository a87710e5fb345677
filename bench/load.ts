/**
 * The load generator, a process of its own. Under another process it takes orders over IPC, one after the other;
 * by hand:
 *
 *   node bench/load.ts --url URL [--era modern] [--token T] [--connections 32] [--seconds 5] [--rate N] [--pid N]
 */
import { parseArgs } from 'node:util'
import { runLoad, type LoadOrder, type LoadReport } from './load-run.ts'

export type LoadAnswer = { report: LoadReport } | { error: string }

function readOrder(): LoadOrder {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values } = parseArgs({
    options: {
      url: text('http://127.0.0.1:8080/mcp'),
      era: text('legacy'),
      connections: text('32'),
      seconds: text('5'),
      token: { type: 'string' },
      rate: { type: 'string' },
      pid: { type: 'string' },
    },
  })
  return {
    target: { url: values.url, era: values.era === 'modern' ? 'modern' : 'legacy', token: values.token },
    connectionCount: Number(values.connections),
    seconds: Number(values.seconds),
    warmCallCount: 1000,
    callsPerSecond: values.rate === undefined ? undefined : Number(values.rate),
    candidatePid: values.pid === undefined ? undefined : Number(values.pid),
  }
}

async function obey(order: LoadOrder): Promise<LoadAnswer> {
  try {
    return { report: await runLoad(order) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

if (process.send) {
  process.on('message', (order: LoadOrder) => {
    void obey(order).then((answer) => process.send?.(answer))
  })
  process.on('disconnect', () => process.exit(0))
} else {
  process.stdout.write(`${JSON.stringify(await obey(readOrder()), null, 2)}\n`)
}
