// Of a clone's sources, the types must go before they run. Node's compiler for that stays in memory once it was used, 28 MB of it: so it
// runs in a process of its own, once for each state of the sources, and the gateway finds in Node's compile cache what it made.
import { spawn, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../src', import.meta.url))
const program = fileURLToPath(new URL('./compile-sources.js', import.meta.url))
const timeoutMs = 20_000

/** What the gateway loads until it serves, and needs a configuration only. */
const startSources = [
  'main.ts',
  'compose/serve.ts',
  'config/load.ts',
  'config/client-paths.ts',
  'compose/first-admin.ts',
]
/** By then it serves. */
const restAfterMs = 3_000

/**
 * Never fails: what is not compiled here is compiled when it is loaded. `cacheFolder` is where Node keeps its compile cache. Where somebody
 * waits for a start, only what it loads is waited for, and the rest follows.
 */
export function compileAhead(cacheFolder, { isAwaited }) {
  const note = join(cacheFolder, 'sources.txt')
  const state = describeSources()
  if (readNote(note) === state) return
  try {
    // Written first: what went wrong once is not tried at every start.
    writeFileSync(note, isAwaited ? '' : state)
  } catch {
    return
  }
  spawnSync(process.execPath, [program, ...(isAwaited ? startSources : [])], { stdio: 'ignore', timeout: timeoutMs })
  if (isAwaited) setTimeout(() => compileRest(note, state), restAfterMs).unref()
}

function compileRest(note, state) {
  try {
    writeFileSync(note, state)
    spawn(process.execPath, [program], { stdio: 'ignore', detached: true }).unref()
  } catch {
    // As it was: the next start tries again.
  }
}

function describeSources() {
  const lines = readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .toSorted()
    .map((path) => {
      const { mtimeMs, size } = statSync(join(folder, path))
      return `${path} ${mtimeMs} ${size}`
    })
  return hash('sha256', lines.join('\n'))
}

function readNote(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
