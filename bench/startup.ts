/** The question: how soon is the first call answered, and how much memory do an idle gateway and its sessions take? */
import { setTimeout as sleep } from 'node:timers/promises'
import { readResidentBytes } from './cpu.ts'
import { inspectorFlag, openInspector, readLiveHeap } from './inspector.ts'
import { tell, type Lab } from './lab.ts'
import { askOnce, LoadConnection } from './load-connection.ts'
import { findFault, firstId, type Target } from './load-requests.ts'
import { poll } from './processes.ts'
import { median } from './statistics.ts'
import { startToolgate, type Toolgate } from './toolgate.ts'

export type StartupFigures = {
  firstCallMs: number
  firstCallRoundsMs: number[]
  idleResidentBytes: number
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
  const firstCallRoundsMs: number[] = []
  let idleResidentBytes = 0
  for (let round = 1; round <= rounds; round++) {
    tell(`startup: round ${round} of ${rounds}`)
    const startMs = performance.now()
    await using toolgate = await startBefore(lab)
    await untilFirstCall(toolgate)
    firstCallRoundsMs.push(performance.now() - startMs)
    if (round < rounds) continue
    await sleep(settleMs)
    idleResidentBytes = readResidentBytes(toolgate.pid)
  }
  return {
    firstCallMs: median(firstCallRoundsMs),
    firstCallRoundsMs,
    idleResidentBytes,
    ...(await measureSessions(lab)),
  }
}

const startBefore = (lab: Lab, nodeArgs: readonly string[] = []): Promise<Toolgate> =>
  startToolgate({ legacy: { url: `${lab.upstream.origin}/legacy/mcp` } }, nodeArgs)

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
  await using toolgate = await startBefore(lab, [inspectorFlag])
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
