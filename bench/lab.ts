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
}

/** How long and how often; every length is per case. */
export type Pace = {
  rounds: number
  roundSeconds: number
  /** Before the first round, so that the machine code of every entrant is warm. */
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
  const absent: { name: EntrantName; reason: string }[] = []
  for (const name of names.filter((other) => other !== 'upstream')) {
    try {
      entrants.set(name, opening.use(await startEntrant[name](upstream.origin)))
    } catch (error) {
      absent.push({ name, reason: reasonOf(error) })
    }
  }
  const opened = opening.move()
  return { load, upstream, entrants, absent, [Symbol.asyncDispose]: () => opened.disposeAsync() }
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
