import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'
import type { LoadedConfig } from './loaded-config.ts'
import { watchConfig } from './watch.ts'
import type { WatchOptions } from './watch.ts'

type Report = { port: number } | { error: string }

let folder = ''
let path = ''
let closers: { close(): void }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-watch-'))
  path = join(folder, 'toolgate.yaml')
  writeFileSync(path, document(1))
})
afterEach(() => {
  for (const closer of closers) closer.close()
  closers = []
  rmSync(folder, { recursive: true })
})

const document = (port: number): string => `listen: { port: ${port} }\n`

/** Hands out reports in order; `next` waits for the one that is not there yet. */
function watching(options: Partial<WatchOptions> = {}) {
  const reports: Report[] = []
  const waiting: ((report: Report) => void)[] = []
  const report = (one: Report): void => {
    const first = waiting.shift()
    if (first === undefined) reports.push(one)
    else first(one)
  }
  const watcher = watchConfig({
    path,
    env: {},
    onChange: (config: LoadedConfig) => report({ port: config.listen.port }),
    onError: (error: Error) => report({ error: error.message.split('\n').at(-1) ?? '' }),
    ...options,
  })
  closers.push(watcher)
  const next = (): Promise<Report> => {
    const first = reports.shift()
    if (first !== undefined) return Promise.resolve(first)
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  return { watcher, reports, next }
}

describe('watchConfig', () => {
  it('hands on what was written into the file', async () => {
    const { next } = watching()
    writeFileSync(path, document(2))
    expect(await next()).toEqual({ port: 2 })
    writeFileSync(path, document(3))
    expect(await next()).toEqual({ port: 3 })
  })

  it('hands on what replaced the file, as editors do', async () => {
    const { next } = watching()
    for (const port of [2, 3]) {
      writeFileSync(join(folder, '.toolgate.yaml.swp'), document(port))
      renameSync(join(folder, '.toolgate.yaml.swp'), path)
      expect(await next()).toEqual({ port })
    }
  })

  it('hands on what a swapped link leads to, as Kubernetes does', async () => {
    for (const port of [4, 5]) {
      mkdirSync(join(folder, `..v${port}`))
      writeFileSync(join(folder, `..v${port}`, 'toolgate.yaml'), document(port))
    }
    rmSync(path)
    symlinkSync('..v4', join(folder, '..data'))
    symlinkSync(join('..data', 'toolgate.yaml'), path)
    const { next } = watching()
    symlinkSync('..v5', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    expect(await next()).toEqual({ port: 5 })
  })

  it('finds by polling what the folder does not tell', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'toolgate-watch-target-'))
    closers.push({ close: () => rmSync(elsewhere, { recursive: true }) })
    const target = join(elsewhere, 'real.yaml')
    writeFileSync(target, document(1))
    rmSync(path)
    symlinkSync(target, path)
    const { next } = watching({ pollMs: 20 })
    writeFileSync(target, document(22))
    expect(await next()).toEqual({ port: 22 })
  })

  it('finds what changed between loading and watching', async () => {
    const current = loadConfig({ path, env: {} })
    writeFileSync(path, document(2))
    expect(await watching({ current }).next()).toEqual({ port: 2 })
  })

  it('reports a broken edit and nothing else, then the edit that mends it', async () => {
    const { next, reports } = watching()
    writeFileSync(path, 'listen: { port: many }\n')
    expect(await next()).toEqual({ error: `  ${path}:1:17: listen.port: must be a number, not text` })
    writeFileSync(path, document(1))
    expect(await next()).toEqual({ port: 1 })
    expect(reports).toEqual([])
  })

  it('reports a file that is gone, once, and takes it when it is back', async () => {
    const { next, reports } = watching({ pollMs: 20 })
    rmSync(path)
    expect(await next()).toEqual({ error: `  ${path}: there is no such file` })
    writeFileSync(path, document(2))
    expect(await next()).toEqual({ port: 2 })
    expect(reports).toEqual([])
  })

  it('does not take an empty file for a configuration', async () => {
    const { next } = watching()
    writeFileSync(path, '')
    expect(await next()).toEqual({ error: `  ${path}: is empty; the configuration before stays in use` })
  })

  it('says nothing where the content is the same', async () => {
    const { next, reports } = watching({ pollMs: 20 })
    for (let time = 0; time < 3; time += 1) {
      writeFileSync(join(folder, 'other'), document(1))
      renameSync(join(folder, 'other'), path)
    }
    writeFileSync(join(folder, 'unrelated.yaml'), document(9))
    // A later edit is reported after whatever came before it, so it proves the silence.
    writeFileSync(path, document(2))
    expect(await next()).toEqual({ port: 2 })
    expect(reports).toEqual([])
  })

  it('reports what onChange throws', async () => {
    const { next } = watching({
      onChange: () => {
        throw new Error('cannot apply')
      },
    })
    writeFileSync(path, document(2))
    expect(await next()).toEqual({ error: 'cannot apply' })
  })

  it('hands the problems to onError', async () => {
    const error = await new Promise((resolve) => {
      closers.push(watchConfig({ path, env: {}, onChange: resolve, onError: resolve }))
      writeFileSync(path, 'listen: { host: "${HOST}" }')
    })
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({ problems: [{ line: 1, column: 18, path: 'listen.host' }] })
  })

  it('calls nothing after it was closed', async () => {
    const closed = watching({ pollMs: 20 })
    const open = watching({ pollMs: 20 })
    writeFileSync(path, document(2))
    closed.watcher.close()
    closed.watcher.close()
    expect(await open.next()).toEqual({ port: 2 })
    writeFileSync(path, document(3))
    expect(await open.next()).toEqual({ port: 3 })
    expect(closed.reports).toEqual([])
  })

  it('waits for a file where there was none, and says nothing until then', async () => {
    rmSync(path)
    const { next, reports } = watching({ current: null, pollMs: 20 })
    writeFileSync(join(folder, 'unrelated.yaml'), document(9))
    const { next: nextOther } = watching({ path: join(folder, 'unrelated.yaml'), current: null, pollMs: 20 })
    // The other one has looked, so this one has too.
    expect(await nextOther()).toEqual({ port: 9 })
    expect(reports).toEqual([])
    writeFileSync(path, document(2))
    expect(await next()).toEqual({ port: 2 })
  })

  it('takes a file that came between finding none and watching', async () => {
    expect(await watching({ current: null }).next()).toEqual({ port: 1 })
  })

  it('waits for a file whose folder is not there yet', async () => {
    const later = join(folder, 'later', 'toolgate.yaml')
    const { next } = watching({ path: later, pollMs: 20 })
    mkdirSync(join(folder, 'later'))
    writeFileSync(later, document(7))
    expect(await next()).toEqual({ port: 7 })
  })
})
