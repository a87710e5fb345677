/** Vitest runs this before the tests of each file, in the file's own process. */
import { appendFileSync } from 'node:fs'
import { afterAll, afterEach, inject } from 'vitest'
import { bytesSeen, takeFinds } from '../planted.ts'
import { watchSockets } from './connections.ts'
import { watchProcesses } from './processes.ts'
import { watchValues } from './values.ts'

watchSockets()
watchProcesses()
watchValues()

/** The word and where it was, each once. @throws where a planted secret was found since the last time */
function expectNoFinds(): void {
  const told = new Set(takeFinds().map(({ seam, text, where }) => `${text} is in ${seam} (${where})`))
  if (told.size > 0) throw new Error(`planted secrets have come out\n${[...told].join('\n')}`)
}

afterEach(expectNoFinds)
// Runs after what the file itself closes at its end.
afterAll(() => {
  appendFileSync(inject('plantedCounts'), `${JSON.stringify(bytesSeen())}\n`)
  expectNoFinds()
})
