/** CPU time and memory of any process, as Linux tells them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Without the scheduler's own figures, process times come in hundredths of a second (`getconf CLK_TCK`). */
const tickMicros = 10_000

/** User and system time of all threads of a process so far, in microseconds. Throws when it has ended. */
export function readCpuMicros(pid: number): number {
  return readScheduledMicros(pid) ?? readTickedMicros(pid)
}

/** Fine to the nanosecond, but a thread that ends takes its time along; node keeps its threads. */
function readScheduledMicros(pid: number): number | null {
  if (!existsSync(`/proc/${pid}/schedstat`)) return null
  const nanos = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanos.reduce((sum, part) => sum + part, 0) / 1000
}

function readTickedMicros(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command's name may itself contain spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMicros
}

/** The same for the process and every descendant that still lives. */
export function readTreeCpuMicros(pid: number): number {
  return listDescendants(pid).reduce((sum, child) => sum + readCpuMicros(child), readCpuMicros(pid))
}

/** Time that all programs of the machine have had so far, on all cores, in microseconds; 10 ms fine. */
export function readMachineMicros(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softIrq + steal) * tickMicros
}

/** Resident memory in bytes. */
export function readResidentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? '0') * 1024
}

export function listDescendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.flatMap((child) => [child, ...listDescendants(child)])
}
