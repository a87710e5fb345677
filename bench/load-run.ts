/** One measurement: connections are opened, calls are made for a while, and CPU time is read at both edges of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuMicros, readMachineMicros, readTreeCpuMicros } from './cpu.ts'
import { LoadConnection } from './load-connection.ts'
import { firstId, type Target } from './load-requests.ts'
import { quantile } from './statistics.ts'

export type LoadOrder = {
  target: Target
  connectionCount: number
  seconds: number
  /** Calls before the window opens, for the connections and caches of the candidate. */
  warmCallCount: number
  /** Absent: closed loop, every connection calls again as soon as it is answered. */
  callsPerSecond?: number | undefined
  /** Processes whose CPU time is read at both edges of the window. */
  candidatePid?: number | undefined
  /** Absent where the upstream is the candidate or has nothing to do. */
  upstreamPid?: number | undefined
}

export type LoadReport = {
  calls: number
  seconds: number
  callsPerSecond: number
  faultCount: number
  firstFault: string | null
  p50Ms: number
  p99Ms: number
  /** Open loop: by how much the generator itself was late at worst. */
  lagMaxMs: number
  /** CPU time in the window, microseconds; the candidate's with and without its children. */
  candidateMicros: number | null
  candidateTreeMicros: number | null
  upstreamMicros: number | null
  loadMicros: number
  /** How many cores all other programs used in the window: on a quiet machine about 0. */
  otherCores: number | null
}

type Edge = Pick<LoadReport, 'candidateMicros' | 'candidateTreeMicros' | 'upstreamMicros' | 'loadMicros'> & {
  atMs: number
  machineMicros: number
}
type Tally = { latenciesMs: number[]; faultCount: number; firstFault: string | null; lagMaxMs: number }
type Pump = { connections: LoadConnection[]; nextId: () => number; tally: Tally }

const drainMsMax = 5000
/** A candidate that leaves calls unanswered for so long has failed. */
const stallMsMax = 10_000

export async function runLoad(order: LoadOrder): Promise<LoadReport> {
  const connections = Array.from({ length: order.connectionCount }, () => new LoadConnection(order.target))
  const abandon = (): void => connections.forEach((connection) => connection.abandon())
  const watchdog = setTimeout(abandon, order.seconds * 1000 + stallMsMax)
  const sessions: (string | undefined)[] = []
  let id = firstId
  const nextId = () => (order.target.hasFixedId ? firstId : id++)
  try {
    await openAll(order, connections, sessions)
    await pumpClosed({ connections, nextId, tally: emptyTally() }, (done) => done >= order.warmCallCount)
    const pump: Pump = { connections, nextId, tally: emptyTally() }
    const start = readEdge(order)
    const endMs = start.atMs + order.seconds * 1000
    if (order.callsPerSecond === undefined) await pumpClosed(pump, () => performance.now() >= endMs)
    else await pumpOpen(pump, endMs, order.callsPerSecond)
    return toReport(pump.tally, start, readEdge(order))
  } finally {
    await Promise.all(connections.map((connection, index) => connection.close(sessions[index])))
    clearTimeout(watchdog)
  }
}

/** `sessions[n]` becomes the session that connection n opened, and will end. */
async function openAll(order: LoadOrder, connections: readonly LoadConnection[], sessions: (string | undefined)[]) {
  const ownCount = order.target.sessionCount ?? connections.length
  const owners = connections.slice(0, ownCount)
  sessions.push(...(await Promise.all(owners.map((connection) => connection.open()))))
  const guests = connections.slice(ownCount)
  await Promise.all(guests.map((connection, index) => connection.open(sessions[index % ownCount])))
}

const emptyTally = (): Tally => ({ latenciesMs: [], faultCount: 0, firstFault: null, lagMaxMs: 0 })

/** Every connection calls again as soon as it is answered, until `isOver`; resolves when the last is answered. */
function pumpClosed(pump: Pump, isOver: (done: number) => boolean): Promise<void> {
  let busyCount = pump.connections.length
  let done = 0
  return new Promise((resolve) => {
    const next = (connection: LoadConnection): void => {
      const sentMs = performance.now()
      connection.call(pump.nextId(), (fault) => {
        count(pump.tally, fault, performance.now() - sentMs)
        done++
        if (fault === null && !isOver(done)) next(connection)
        else if (--busyCount === 0) resolve()
      })
    }
    for (const connection of pump.connections) next(connection)
  })
}

function count(tally: Tally, fault: string | null, latencyMs: number): void {
  if (fault === null) {
    tally.latenciesMs.push(latencyMs)
    return
  }
  tally.faultCount++
  tally.firstFault ??= fault
}

/**
 * Calls at a fixed rate, whether or not earlier ones are answered. A call's clock starts when it was due or, where the
 * generator's own timer was late, when that fired: its lateness is no candidate's and is told apart.
 */
async function pumpOpen(pump: Pump, endMs: number, callsPerSecond: number): Promise<void> {
  const startMs = performance.now()
  const waiting: number[] = []
  let dueCount = 0
  const send = (connection: LoadConnection, sinceMs: number): void =>
    connection.call(pump.nextId(), (fault) => {
      count(pump.tally, fault, performance.now() - sinceMs)
      const since = fault === null ? waiting.shift() : undefined
      if (since !== undefined) send(connection, since)
    })
  for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
    for (; startMs + (dueCount * 1000) / callsPerSecond <= nowMs; dueCount++) {
      pump.tally.lagMaxMs = Math.max(pump.tally.lagMaxMs, nowMs - startMs - (dueCount * 1000) / callsPerSecond)
      const idle = pump.connections.find((connection) => !connection.isBusy)
      if (idle) send(idle, nowMs)
      else waiting.push(nowMs)
    }
    await sleep(1)
  }
  const drainEndMs = performance.now() + drainMsMax
  while (pump.connections.some((connection) => connection.isBusy) && performance.now() < drainEndMs) await sleep(1)
}

function readEdge({ candidatePid, upstreamPid }: LoadOrder): Edge {
  const own = process.cpuUsage()
  return {
    candidateMicros: candidatePid === undefined ? null : readCpuMicros(candidatePid),
    candidateTreeMicros: candidatePid === undefined ? null : readTreeCpuMicros(candidatePid),
    upstreamMicros: upstreamPid === undefined ? null : readCpuMicros(upstreamPid),
    loadMicros: own.user + own.system,
    machineMicros: readMachineMicros(),
    atMs: performance.now(),
  }
}

function toReport(tally: Tally, start: Edge, end: Edge): LoadReport {
  const seconds = (end.atMs - start.atMs) / 1000
  const calls = tally.latenciesMs.length
  const spent = (from: number | null, to: number | null) => (from === null || to === null ? null : to - from)
  const own = {
    candidateMicros: spent(start.candidateMicros, end.candidateMicros),
    candidateTreeMicros: spent(start.candidateTreeMicros, end.candidateTreeMicros),
    upstreamMicros: spent(start.upstreamMicros, end.upstreamMicros),
    loadMicros: end.loadMicros - start.loadMicros,
  }
  const otherMicros =
    end.machineMicros -
    start.machineMicros -
    own.loadMicros -
    (own.candidateTreeMicros ?? 0) -
    (own.upstreamMicros ?? 0)
  return {
    calls,
    seconds,
    callsPerSecond: calls / seconds,
    faultCount: tally.faultCount,
    firstFault: tally.firstFault,
    p50Ms: quantile(tally.latenciesMs, 0.5),
    p99Ms: quantile(tally.latenciesMs, 0.99),
    lagMaxMs: tally.lagMaxMs,
    ...own,
    otherCores: own.candidateTreeMicros === null ? null : Math.max(0, otherMicros / (seconds * 1e6)),
  }
}
