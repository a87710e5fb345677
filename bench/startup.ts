/** The question: how soon is the first call answered, and how much memory do an idle gateway and its sessions take? */
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readResidentBytes } from './cpu.ts'
import { inspectorFlag, openInspector, readLiveHeap } from './inspector.ts'
import { tell, type Lab } from './lab.ts'
import { askOnce, LoadConnection } from './load-connection.ts'
import { findFault, firstId, type Target } from './load-requests.ts'
import { poll } from './processes.ts'
import { median } from './statistics.ts'
import { startToolgate, untilListening, type StartOptions, type Toolgate } from './toolgate.ts'

/** Medians, and the rounds they are of. */
export type StartFigures = Start & { rounds: Start[] }

type Start = {
  firstCallMs: number
  /** Nothing was asked of it yet. */
  idleResidentBytes: number
  /** After that first call: its upstream's connection has compiled the HTTP parser. */
  calledResidentBytes: number
}

export type StartupFigures = {
  /** With an empty compile cache: a clone whose install script did not run, or whose sources have changed. */
  firstStart: StartFigures
  /** With what a start before has compiled. */
  laterStart: StartFigures
  sessionCount: number
  /** Heap after a forced collection, so garbage does not count. */
  heapBytesPerSession: number
  /** What the operating system sees, garbage and all. */
  residentBytesPerSession: number
}

const sessionCount = 1000
const connectionCount = 10
const settleMs = 1000

export async function measureStartup(lab: Lab, rounds: number): Promise<StartupFigures> {
  await using caches = await mkdtempDisposable(join(tmpdir(), 'toolgate-compiled-'))
  const first: Start[] = []
  const later: Start[] = []
  for (let round = 1; round <= rounds; round++) {
    tell(`startup: round ${round} of ${rounds}`)
    // In turn, so that both had the same machine. The later start finds what the first has left.
    const cacheFolder = join(caches.path, String(round))
    for (const starts of [first, later]) starts.push(await measureStart(lab, cacheFolder))
  }
  return { firstStart: toFigures(first), laterStart: toFigures(later), ...(await measureSessions(lab)) }
}

/** Two starts: one that is asked at once, one that is left alone. Each has a cache of its own, so that both can be the first. */
async function measureStart(lab: Lab, cacheFolder: string): Promise<Start> {
  const called = await measureCalled(lab, join(cacheFolder, 'called'))
  return { ...called, idleResidentBytes: await measureIdle(lab, join(cacheFolder, 'idle')) }
}

async function measureCalled(lab: Lab, cacheFolder: string): Promise<Omit<Start, 'idleResidentBytes'>> {
  const startMs = performance.now()
  await using toolgate = await startBefore(lab, { env: { NODE_COMPILE_CACHE: cacheFolder } })
  await untilFirstCall(toolgate)
  const firstCallMs = performance.now() - startMs
  await sleep(settleMs)
  return { firstCallMs, calledResidentBytes: readResidentBytes(toolgate.pid) }
}

async function measureIdle(lab: Lab, cacheFolder: string): Promise<number> {
  await using toolgate = await startBefore(lab, { env: { NODE_COMPILE_CACHE: cacheFolder } })
  await untilListening(toolgate.process, toolgate.origin)
  await sleep(settleMs)
  return readResidentBytes(toolgate.pid)
}

function toFigures(rounds: Start[]): StartFigures {
  const middle = (key: keyof Start): number => median(rounds.map((start) => start[key]))
  return {
    firstCallMs: middle('firstCallMs'),
    idleResidentBytes: middle('idleResidentBytes'),
    calledResidentBytes: middle('calledResidentBytes'),
    rounds,
  }
}

const startBefore = (lab: Lab, options: StartOptions = {}): Promise<Toolgate> =>
  startToolgate({ legacy: { url: `${lab.upstream.origin}/legacy/mcp` } }, options)

const toTarget = ({ origin, token }: Toolgate): Target => ({ url: `${origin}/legacy/mcp`, era: 'legacy', token })

async function untilFirstCall(toolgate: Toolgate): Promise<void> {
  const target = toTarget(toolgate)
  await poll(toolgate.process, async () => {
    const answer = await askOnce(target).catch(() => null)
    return answer !== null && findFault(target, firstId, answer) === null ? answer : null
  })
}

/** Sessions are opened over a few connections and left alone: only what the gateway keeps of them counts. */
async function measureSessions(lab: Lab) {
  tell(`sessions: opening ${sessionCount}`)
  await using toolgate = await startBefore(lab, { nodeArgs: [inspectorFlag] })
  await untilFirstCall(toolgate)
  using inspector = await openInspector(toolgate.process)
  // The first hundred bring code and caches with them that no later session pays for.
  await openSessions(toolgate, 100)
  const before = { heap: await readLiveHeap(inspector), resident: readResidentBytes(toolgate.pid) }
  await openSessions(toolgate, sessionCount)
  const after = { heap: await readLiveHeap(inspector), resident: readResidentBytes(toolgate.pid) }
  return {
    sessionCount,
    heapBytesPerSession: (after.heap - before.heap) / sessionCount,
    residentBytesPerSession: (after.resident - before.resident) / sessionCount,
  }
}

async function openSessions(toolgate: Toolgate, count: number): Promise<void> {
  const lanes = Array.from({ length: connectionCount }, async () => {
    const connection = new LoadConnection(toTarget(toolgate))
    await connection.open()
    for (let opened = 1; opened < count / connectionCount; opened++) await connection.initialize()
    await connection.close()
  })
  await Promise.all(lanes)
}
