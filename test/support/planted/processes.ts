/** Every process that is started goes by here: what it is started with, what it says if it is Toolgate, and what it leaves. */
import { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arePlanted, count, look, plantsIn, tellFind, type Seam } from '../planted.ts'
import { watchSocket } from './connections.ts'
import { before } from './wrap.ts'

type SpawnOptions = { args?: readonly string[]; envPairs?: readonly string[]; cwd?: string }

/** Toolgate as a process, from its source or as a package. */
const isToolgate = (args: readonly string[]): boolean =>
  args.some((arg) => /\/src\/main\.ts$|\/bin\/toolgate(?:\.js)?$/.test(arg))

/** Of these methods of Node's each process is made, but those that it waits for. */
export function watchProcesses(): void {
  const { prototype } = process.getBuiltinModule('node:child_process').ChildProcess
  const folders = new WeakMap<object, { cwd: string | undefined }>()
  before(prototype, 'spawn', (child, [options]) => {
    const { args = [], envPairs = [], cwd } = options as SpawnOptions
    const isOurs = isToolgate(args)
    lookAtStart('starts', { args, env: isOurs ? [] : envPairs, what: args.join(' ') })
    if (!isOurs || !(child instanceof ChildProcess)) return
    folders.set(child, { cwd })
    // As soon as it has streams: nothing is read before the next turn.
    queueMicrotask(() => watchOutput(child, args.join(' ')))
    // Before `close`, for which whoever removes the folder waits.
    child.once('exit', () => lookAtFiles(cwd))
  })
  before(prototype, 'kill', (child) => {
    const place = folders.get(child)
    if (!place || !(child instanceof ChildProcess) || child.pid === undefined) return
    if (child.exitCode !== null || child.signalCode !== null) return
    lookBelow(child.pid)
    // A log of SQLite is gone after a good end.
    lookAtFiles(place.cwd)
  })
}

function watchOutput({ stdout, stderr }: ChildProcess, where: string): void {
  for (const stream of [stdout, stderr]) if (stream) watchSocket(stream, 'output', where)
}

type Start = { args: readonly string[]; env: readonly string[]; what: string }

/** Nobody's arguments have a secret, and nobody's environment but those of one server's own process. */
function lookAtStart(seam: Seam, { args, env, what }: Start): void {
  look(seam, args.join('\n'), () => `an argument of ${what}`)
  const variables = env.join('\n')
  count(seam, variables.length)
  const found = plantsIn(variables)
  const owner = found[0]?.plant.childOf ?? null
  for (const { text, plant } of found)
    if (owner === null || plant.childOf !== owner) tellFind({ seam, text, where: `the environment of ${what}` })
}

/** Arguments and environment of all that runs below a process now. Reads nothing where the system has no `/proc`. */
export function lookBelow(pid: number): void {
  if (!arePlanted()) return
  for (const child of childrenOf(pid)) {
    const [args, env] = [readList(child, 'cmdline'), readList(child, 'environ')]
    lookAtStart('processes', { args, env, what: args.join(' ') })
    lookBelow(child)
  }
}

function childrenOf(pid: number): number[] {
  return listOf(`/proc/${pid}/task`).flatMap((task) =>
    textOf(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  )
}

const readList = (pid: number, file: string): string[] => textOf(`/proc/${pid}/${file}`).split('\0').filter(Boolean)

/** The databases and logs in a folder of a test; what else is there the test has written itself. */
function lookAtFiles(folder: string | undefined): void {
  if (folder === undefined || !arePlanted() || !folder.startsWith(tmpdir())) return
  for (const entry of reading(() => readdirSync(folder, { withFileTypes: true }), [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) lookAtFiles(path)
    else if (entry.isFile() && /\.db(?:-\w+)?$|\.log$|\.jsonl$/.test(entry.name))
      look('files', bytesOf(path), () => path)
  }
}

/** What has gone meanwhile is empty. */
function reading<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read()
  } catch {
    return otherwise
  }
}
const bytesOf = (path: string): Buffer => reading(() => readFileSync(path), Buffer.alloc(0))
const textOf = (path: string): string => bytesOf(path).toString('latin1')
const listOf = (path: string): string[] => reading(() => readdirSync(path), [])
