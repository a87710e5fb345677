/** Where a run was made: without it no figure means anything. */
import { cpus, release, totalmem } from 'node:os'
import { isPinned } from './processes.ts'

export type Machine = {
  cpu: string
  coreCount: number
  memoryGb: number
  kernel: string
  node: string
  isPinned: boolean
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    coreCount: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    isPinned,
  }
}
