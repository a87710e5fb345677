// Loads every source, or those that are named and what they load, and runs none, so that Node's compile cache has them when this process ends.
import { readdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache, registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { keepYoungSpaceSmall } from './young-space.js'

keepYoungSpaceSmall()
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/toolgate', import.meta.url)))
const isOurs = (name) => name.startsWith('#') || name.startsWith('./') || name.startsWith('file:')
// An empty module in place of each package and of Node's own: what imports from it cannot be linked, so it is loaded and never run.
registerHooks({
  resolve: (name, context, next) =>
    isOurs(name) ? next(name, context) : { url: 'data:text/javascript,', shortCircuit: true },
})
const folder = new URL('../src/', import.meta.url)
const named = process.argv.slice(2)
const paths = named.length > 0 ? named : readdirSync(folder, { recursive: true }).filter(isSource)
await Promise.allSettled(paths.map((path) => import(new URL(path, folder).href)))
// One that could be linked after all, and so ran, must not keep this program: nobody waits for it.
flushCompileCache()
// oxlint-disable-next-line unicorn/no-process-exit -- a program, and what ran may hold it open for ever
process.exit()

function isSource(path) {
  return path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('.d.ts')
}
