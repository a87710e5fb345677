import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { findFreePort } from '../support/free-port.ts'
import { startChild, type Child } from './child.ts'

export type Gateway = AsyncDisposable & {
  /** The endpoint of the only server behind it: names and URIs pass unchanged. */
  url: string
  token: string
}

const serverName = 'fixture'
const startMsMax = 15_000
const pollMs = 25
const mainFile = new URL('../../src/main.ts', import.meta.url).pathname

/** A gateway that serves. */
export type Serving = AsyncDisposable & {
  /** Without a path. */
  origin: string
  /** The newest part of what it wrote. */
  output(): string
}

/** @param config without `listen` and `storage`: a free port, a folder that is removed. */
export async function startServing(options: { config: object; isGroupLeader: boolean }): Promise<Serving> {
  await using starting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-conformance-'))
  starting.defer(() => rm(folder, { recursive: true, force: true }))

  const port = await findFreePort()
  const configFile = join(folder, 'toolgate.yaml')
  const place = { listen: { port }, storage: { path: join(folder, 'data') } }
  await writeFile(configFile, stringify({ ...place, ...options.config }))

  const command: [string, ...string[]] = [process.execPath, mainFile, 'serve', '--config', configFile]
  const child = starting.use(startChild(command, { isGroupLeader: options.isGroupLeader, cwd: folder }))
  const origin = `http://127.0.0.1:${port}`
  await untilReady(child, `${origin}/health/live`)

  const started = starting.move()
  return { origin, output: () => child.output(), [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/**
 * Starts Toolgate as its own process, with one upstream and one token that may do everything.
 *
 * @param isGroupLeader false inside a process that is itself disposed of as a group.
 */
export async function startGateway(options: { upstreamUrl: string; isGroupLeader: boolean }): Promise<Gateway> {
  const token = `tg_${randomBytes(32).toString('base64url')}`
  const config = toConfig({ token, upstreamUrl: options.upstreamUrl })
  const serving = await startServing({ config, isGroupLeader: options.isGroupLeader })
  return {
    url: `${serving.origin}/${serverName}/mcp`,
    token,
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  }
}

function toConfig(values: { token: string; upstreamUrl: string }): object {
  return {
    servers: { [serverName]: { url: values.upstreamUrl } },
    policies: { all: { default: 'execute' } },
    tokens: [{ name: 'conformance', secret: values.token, policies: ['all'] }],
  }
}

/** The gateway’s health answer is the event; its process ending first, or silence, is the failure. */
async function untilReady(child: Child, healthUrl: string): Promise<void> {
  const ended = new AbortController()
  const noteEnd = (): void => ended.abort()
  child.exited.then(noteEnd, noteEnd)
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(startMsMax)])
  while (!signal.aborted) {
    const response = await fetch(healthUrl, { signal }).catch(() => null)
    await response?.body?.cancel()
    if (response?.ok) return
    await delay(pollMs)
  }
  const reason = ended.signal.aborted ? 'ended before it was ready' : `was not ready within ${startMsMax} ms`
  throw new Error(`the gateway ${reason}\n${child.output()}`)
}
