/** Who takes part: each entrant is one process that stands between the load generator and the upstream. */
import { existsSync } from 'node:fs'
import { findFreePort, pinCommand, readPort, scriptPath, startNode } from './processes.ts'
import { startToolgate, untilListening, type ServerEntry } from './toolgate.ts'

export type EntrantName = 'upstream' | 'bare proxy' | 'Toolgate' | 'supergateway' | 'mcp-proxy'
export type Entrant = AsyncDisposable & { pid: number; origin: string; token?: string | undefined }

/** The upstream over stdio runs beside the one over HTTP, not on the candidate's core. */
const stdioUpstream = pinCommand('load', [process.execPath, scriptPath('upstream-stdio.ts')])

/** The shapes of the upstream (see `answers.ts`) that Toolgate serves under names of their own. */
const shapes = ['legacy', 'modern', 'legacy-sse1', 'modern-sse1', 'legacy-sse10', 'legacy-100kb']

/** Each shape under its own name, so that its endpoint has the upstream's own path; and the upstream over stdio. */
export function shapeServers(upstreamOrigin: string): Record<string, ServerEntry> {
  const [command = '', ...args] = stdioUpstream
  const network = shapes.map((shape) => [shape, { url: `${upstreamOrigin}/${shape}/mcp` }] as const)
  return { ...Object.fromEntries(network), stdio: { command, args } }
}

/** Starts an entrant and waits until it listens. Throws with a reason that a reader understands. */
export const startEntrant: Record<EntrantName, (upstreamOrigin: string) => Promise<Entrant>> = {
  upstream: () => startOwn('upstream.ts', [], 'load'),
  'bare proxy': (upstreamOrigin) => startOwn('bare-proxy.ts', ['--upstream', upstreamOrigin], 'candidate'),

  async Toolgate(upstreamOrigin) {
    const toolgate = await startToolgate(shapeServers(upstreamOrigin))
    return ready(toolgate, toolgate.process, toolgate.origin)
  },

  /** Neither bridge can put HTTP before HTTP, so both stand before the stdio form of the upstream. */
  supergateway: () =>
    startBridge('supergateway', (port, command) =>
      `--stateful --outputTransport streamableHttp --logLevel none --port ${port} --stdio`
        .split(' ')
        .concat(command.join(' ')),
    ),

  'mcp-proxy': () =>
    startBridge('mcp-proxy', (port, command) =>
      `--server stream --host 127.0.0.1 --port ${port} --`.split(' ').concat(command),
    ),
}

async function startOwn(script: string, args: string[], core: 'candidate' | 'load'): Promise<Entrant> {
  const started = startNode([scriptPath(script), ...args], { core })
  const origin = `http://127.0.0.1:${await readPort(started)}`
  return { pid: started.pid, origin, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

type BridgeArgs = (port: number, upstreamCommand: string[]) => string[]

async function startBridge(name: string, toArgs: BridgeArgs): Promise<Entrant> {
  const program = new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname
  if (!existsSync(program)) throw new Error('not installed')
  const port = await findFreePort()
  const started = startNode([program, ...toArgs(port, stdioUpstream)], { core: 'candidate' })
  const origin = `http://127.0.0.1:${port}`
  return ready(
    { pid: started.pid, origin, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() },
    started,
    origin,
  )
}

/** An entrant that does not come up is stopped before its failure is told. */
async function ready<Started extends Entrant>(
  entrant: Started,
  started: Parameters<typeof untilListening>[0],
  origin: string,
) {
  try {
    await untilListening(started, origin)
    return entrant
  } catch (error) {
    await entrant[Symbol.asyncDispose]()
    throw error
  }
}
