/** The guide is true: each of its programs is a file that runs, and prints what the guide says that it prints. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'docs', 'examples', 'library')
const guide = readFileSync(join(root, 'docs', 'guides', 'library.md'), 'utf8')

const programs = [...guide.matchAll(/^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/gms)].map(
  ([, code = '', printed = '']) => {
    return { code, printed }
  },
)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))

it('shows every program once, and nothing else', () => {
  expect(files.length).toBeGreaterThan(0)
  expect(guide.match(/^```ts$/gm)).toHaveLength(programs.length)
  const written = files.map((file) => readFileSync(join(folder, file), 'utf8'))
  expect(programs.map(({ code }) => code).toSorted()).toEqual(written.toSorted())
})

it.concurrent.each(files)('prints what the guide says: %s', async (file) => {
  const code = readFileSync(join(folder, file), 'utf8')
  // It must end by itself: nothing that it started may keep it alive.
  const run = promisify(execFile)(process.execPath, [join(folder, file)], { cwd: root, timeout: 15_000 })
  const { stdout, stderr } = await run
  expect({ stdout, stderr }).toEqual({ stdout: programs.find((program) => program.code === code)?.printed, stderr: '' })
})
