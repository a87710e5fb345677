/** One run's processes: the load generator, the upstream, and every entrant that could be started. */
import type { Case } from './cases.ts'
import { startEntrant, type Entrant, type EntrantName } from './entrants.ts'
import type { Target } from './load-requests.ts'
import { startLoad, type Load } from './load-process.ts'

export type Lab = AsyncDisposable & {
  load: Load
  upstream: Entrant
  entrants: ReadonlyMap<EntrantName, Entrant>
  /** Who could not be started, and why. */
  absent: readonly { name: EntrantName; reason: string }[]
  /** Ends every entrant, and starts it anew: two processes of one program differ by a tenth in what a call costs them. Who does not come up is gone. */
  restart(): Promise<void>
}

/** How long and how often; every length is per case. */
export type Pace = {
  rounds: number
  /** In each round a case has its turn so often, and so long. */
  turns: number
  turnSeconds: number
  /** Before the first turn, so that the machine code of every entrant is warm. */
  warmSeconds: number
  /** At the light fixed rate, whose tail needs more rounds than a mean does. */
  lightRounds: number
  lightSeconds: number
}

export async function openLab(names: readonly EntrantName[]): Promise<Lab> {
  await using opening = new AsyncDisposableStack()
  const load = opening.use(startLoad())
  const upstream = opening.use(await startEntrant.upstream(''))
  const entrants = new Map<EntrantName, Entrant>([['upstream', upstream]])
  const absent: Lab['absent'][number][] = []
  let started = new AsyncDisposableStack()
  opening.defer(() => started.disposeAsync())
  const start = async (name: EntrantName): Promise<void> => {
    entrants.set(name, started.use(await startEntrant[name](upstream.origin)))
  }
  for (const name of names.filter((other) => other !== 'upstream'))
    await start(name).catch((error: unknown) => absent.push({ name, reason: reasonOf(error) }))
  const restart = async (): Promise<void> => {
    await started.disposeAsync()
    started = new AsyncDisposableStack()
    const running = [...entrants.keys()].filter((name) => name !== 'upstream')
    for (const name of running) await start(name).catch(() => entrants.delete(name))
  }
  const opened = opening.move()
  return { load, upstream, entrants, absent, restart, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

export function toTarget(
  { path, era, eventCount, sessionCount }: Case,
  entrant: Pick<Entrant, 'origin' | 'token'>,
): Target {
  return { url: entrant.origin + path, era, eventCount, sessionCount, token: entrant.token }
}

/** Whose CPU time a measurement of an entrant reads. */
export const toPids = (lab: Lab, { pid }: Entrant) => ({
  candidatePid: pid,
  upstreamPid: pid === lab.upstream.pid ? undefined : lab.upstream.pid,
})

/** Says on stderr what is under way, so that stdout is the report alone. */
export const tell = (text: string): void => void process.stderr.write(`${text}\n`)

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
