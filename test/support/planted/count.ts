/** Vitest runs this once around all tests: how many bytes have been looked at, and in how many files' processes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { seams, type Seam } from '../planted.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A file to which each process adds a line of what it has looked at, as JSON by seam. */
    plantedCounts: string
  }
}

export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-planted-'))
  const path = join(folder, 'counts')
  writeFileSync(path, '')
  project.provide('plantedCounts', path)

  return () => {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
    rmSync(folder, { recursive: true })
    const counts = lines.map((line) => JSON.parse(line) as Record<Seam, number>)
    const bytes = Object.fromEntries(seams.map((seam) => [seam, counts.reduce((sum, one) => sum + one[seam], 0)]))
    const out = join(project.config.root, 'out')
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'planted.json'), JSON.stringify({ files: lines.length, bytes }))
  }
}
