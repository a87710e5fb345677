// Loads every source and runs none, so that Node's compile cache has them all when this process ends.
import { readdirSync } from 'node:fs'
import { enableCompileCache, registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/toolgate', import.meta.url)))
const isOurs = (name) => name.startsWith('#') || name.startsWith('./') || name.startsWith('file:')
// An empty module in place of each package and of Node's own: what imports from it cannot be linked, so it is loaded and never run.
registerHooks({
  resolve: (name, context, next) =>
    isOurs(name) ? next(name, context) : { url: 'data:text/javascript,', shortCircuit: true },
})
const folder = new URL('../src/', import.meta.url)
const sources = readdirSync(folder, { recursive: true })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('.d.ts'))
  .map((path) => import(new URL(path, folder).href))
await Promise.allSettled(sources)
