#!/usr/bin/env node
// Starts Toolgate: the bundle of an installed release, or the source of a clone.
// Written so that every Node that knows modules can read it, and say that it is too old.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { keepYoungSpaceSmall } from './young-space.js'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 15)) {
  const [word = 'serve'] = process.argv.slice(2)
  const isServing = word === 'serve' || (word.startsWith('-') && !/^(?:-h|--help|-V|--version)$/.test(word))
  if (isServing) keepYoungSpaceSmall()
  // Later starts are quicker: what was compiled is kept beside the packages, where only their owner writes.
  const cache = nodeModule.enableCompileCache(
    fileURLToPath(new URL('../node_modules/.cache/toolgate', import.meta.url)),
  )
  const bundle = new URL('../lib/main.js', import.meta.url)
  if (existsSync(bundle)) {
    await import(bundle.href)
  } else {
    const { compileAhead } = await import('./compile-ahead.js')
    if (cache.directory !== undefined) compileAhead(cache.directory, { isAwaited: isServing })
    await import(new URL('../src/main.ts', import.meta.url).href)
  }
} else {
  const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
  const words = ['npm', '--prefix', root, 'start', '-s', '--', ...process.argv.slice(2)]
  console.error('Toolgate needs Node.js 24.15 or newer; this is ' + process.version + '.')
  console.error(
    existsSync(root + '/src/main.ts')
      ? 'A clone brings its own with npm ci: ' +
          words.map((word) => (/\s/.test(word) ? '"' + word + '"' : word)).join(' ')
      : 'Install it from https://nodejs.org, or run: npx -p node@24 -p toolgate toolgate',
  )
  process.exitCode = 1
}
