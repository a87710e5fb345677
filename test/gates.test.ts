/** Every gate proves that it can fail: one breach for each is planted in a small house, under the real configuration. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBreaches } from './support/gates/floor-plan.ts'
import {
  findBarrels,
  findHiddenClocks,
  findPortsWithCode,
  findUnreasonedDisables,
} from './support/gates/house-rules.ts'
import { importsOf, readSources } from './support/gates/imports.ts'
import { lawfulFiles, lintBreaches, pureRooms } from './support/gates/lint-breaches.ts'
import { lawfulImports, planBreaches } from './support/gates/plan-breaches.ts'
import { plantHouse, repositoryFile, type PlantedHouse } from './support/gates/planted-house.ts'

const gateMsMax = 30_000

describe('lint', () => {
  let house: PlantedHouse
  let code: number
  let reported: Set<string>

  beforeAll(async () => {
    house = plantHouse(lawfulFiles)
    for (const breach of lintBreaches) house.write(breach.path, breach.text)
    const run = await house.run('oxlint', '--format', 'json')
    code = run.code
    const { diagnostics } = JSON.parse(run.output) as { diagnostics: { filename: string; code: string }[] }
    reported = new Set(diagnostics.map((one) => `${one.filename}: ${one.code}`))
  }, gateMsMax)
  afterAll(() => house[Symbol.dispose]())

  const missedIn = (isWanted: (path: string) => boolean) =>
    lintBreaches.map((breach) => `${breach.path}: ${breach.rule}`).filter((one) => isWanted(one) && !reported.has(one))
  const isPure = (one: string) => pureRooms.some((room) => one.startsWith(`src/${room}/`))

  it('ends with an error', () => expect(code).toBe(1))

  it.for(pureRooms)('keeps packages, Node, the network, timers, clocks and dice out of %s', (room) => {
    expect(missedIn((one) => one.startsWith(`src/${room}/`))).toEqual([])
  })

  it('reports every planted breach elsewhere', () => expect(missedIn((one) => !isPure(one))).toEqual([]))

  it('lets lawful files pass', () => {
    expect([...reported].filter((one) => Object.keys(lawfulFiles).some((path) => one.startsWith(path)))).toEqual([])
  })

  it('passes a house without breaches, through the script of package.json', async () => {
    using clean = plantHouse(lawfulFiles)
    expect(await clean.runScript('lint')).toMatchObject({ code: 0 })
    clean.write(
      'src/http/unused-reason.ts',
      '// oxlint-disable-next-line no-console -- nothing here\nexport const a = 1\n',
    )
    expect(await clean.runScript('lint')).toMatchObject({ code: 1 })
  })
})

describe('format', { timeout: gateMsMax }, () => {
  it.for<[string, string]>([
    ['a semicolon', 'export const a = 1;\n'],
    ['double quotes', 'export const a = "a"\n'],
    ['a missing trailing comma', `export const a = [\n  '${'a'.repeat(80)}',\n  '${'b'.repeat(80)}'\n]\n`],
    ['a line that could be one', 'export const a = [\n  1,\n]\n\nexport const f = (\n  a: number\n) => a\n'],
  ])('refuses %s', async ([, text]) => {
    using house = plantHouse({ 'src/core/right.ts': 'export const a = 1\n' })
    expect((await house.runScript('fmt:check')).output).not.toContain('src/core/')
    house.write('src/core/wrong.ts', text)
    const run = await house.runScript('fmt:check')
    expect(run.code).toBe(1)
    expect(run.output).toContain('src/core/wrong.ts')
    expect(run.output).not.toContain('src/core/right.ts')
  })
})

describe('types', { timeout: gateMsMax }, () => {
  const mistakes: Record<string, string> = {
    TS2322: `export const a: string = 1\n`,
    TS2532: `export const f = (all: string[]) => all[0].length\n`,
    TS2375: `export const a: { b?: string } = { b: undefined }\n`,
    TS1294: `export enum Colour { Red }\n`,
    TS1484: `import { A } from './right.ts'\nexport type B = A\n`,
    TS6133: `export function f() {\n  const unused = 1\n}\n`,
    TS2339: `import type { A } from './right.ts'\nexport const f = (a: A) => a.missing\n`,
  }

  it('reports each kind of mistake, and nothing else', async () => {
    using house = plantHouse({ 'src/core/right.ts': `export type A = { b: string }\n` })
    expect(await house.runScript('types')).toEqual({ code: 0, output: '' })
    for (const [code, text] of Object.entries(mistakes)) house.write(`src/core/${code.toLowerCase()}.ts`, text)
    const run = await house.runScript('types')
    expect(run.code).not.toBe(0)
    const reported = [...run.output.matchAll(/^src\/core\/(\w+)\.ts.*? error (TS\d+)/gm)].map(([, file, code]) => [
      file,
      code,
    ])
    expect(reported).toEqual(expect.arrayContaining(Object.keys(mistakes).map((code) => [code.toLowerCase(), code])))
    expect(run.output).not.toContain('right.ts')
  })
})

describe('dead code', { timeout: gateMsMax }, () => {
  const manifest = (dependencies: string[]) =>
    JSON.stringify({
      name: 'planted',
      type: 'module',
      imports: { '#*': './src/*' },
      dependencies: Object.fromEntries(dependencies.map((name) => [name, '*'])),
    })
  const alive = {
    'package.json': manifest(['zod']),
    'src/main.ts': `import { used } from '#core/used.ts'\nconsole.log(used)\n`,
    'src/index.ts': `export const face = 1\n`,
    'src/core/used.ts': `import { z } from 'zod'\nexport const used = z\n`,
    'bin/toolgate.js': `import '../src/main.ts'\n`,
  }

  it('passes a house in which everything is used', async () => {
    using house = plantHouse(alive)
    expect(await house.runScript('dead')).toMatchObject({ code: 0 })
  })

  it.for<[string, Record<string, string>, string]>([
    ['a file that nobody imports', { 'src/core/lonely.ts': 'export const lonely = 1\n' }, 'src/core/lonely.ts'],
    [
      'an export that nobody imports',
      { 'src/core/used.ts': `${alive['src/core/used.ts']}export const spare = 1\n` },
      'spare',
    ],
    ['a dependency that nobody uses', { 'package.json': manifest(['zod', 'yaml']) }, 'yaml'],
    ['a dependency that nobody lists', { 'package.json': manifest([]) }, 'zod'],
    ['an import that leads nowhere', { 'src/index.ts': `export { a } from '#core/gone.ts'\n` }, '#core/gone.ts'],
    [
      'an export that only a test uses',
      {
        'src/core/used.ts': `${alive['src/core/used.ts']}export const spare = 1\n`,
        'test/spare.test.ts': `import { spare } from '#core/used.ts'\nconsole.log(spare)\n`,
      },
      'spare',
    ],
  ])('reports %s', async ([, planted, name]) => {
    using house = plantHouse({ ...alive, ...planted })
    const run = await house.runScript('dead')
    expect(run.code).toBe(1)
    expect(run.output).toContain(name)
  })
})

describe('the floor plan', () => {
  it.for(planBreaches)('refuses: $what', ({ path, text, kind }) => {
    using house = plantHouse({ ...lawfulImports, [path]: text })
    const imports = readSources(house.root).flatMap((file) => importsOf(file))
    expect(findBreaches(imports)).toEqual([expect.stringMatching(`^${path}:1 -> .*\\(${kind}\\): `)])
  })

  it('lets lawful imports of every kind pass, and counts each of them', () => {
    using house = plantHouse(lawfulImports)
    const imports = readSources(house.root).flatMap((file) => importsOf(file))
    expect(findBreaches(imports)).toEqual([])
    const written = Object.values(lawfulImports).join('\n').split('\n').length
    expect(imports).toHaveLength(written)
    expect(new Set(imports.map((one) => one.kind))).toEqual(
      new Set(['value', 'type', 'side-effect', 're-export', 'dynamic']),
    )
  })

  it('refuses a file that it cannot read', () => {
    expect(() => importsOf({ path: 'src/core/broken.ts', text: 'import {' })).toThrow('src/core/broken.ts')
  })
})

describe('the house rules', () => {
  const file = (path: string, text: string) => [{ path, text }]

  it('find a clock that is read without being handed in', () => {
    expect(findHiddenClocks(file('src/core/a.ts', 'const a = 1\nexport const b = () => new Date()'))).toEqual([
      expect.stringContaining('src/core/a.ts:2'),
    ])
    expect(findHiddenClocks(file('src/gateway/a.ts', 'export const b = () => Date()'))).toHaveLength(1)
    expect(findHiddenClocks(file('src/core/a.ts', 'export const b = (ms: number) => new Date(ms)'))).toEqual([])
    expect(findHiddenClocks(file('src/adapters/clock/a.ts', 'export const b = () => new Date()'))).toEqual([])
  })

  it('find code in the file of a port', () => {
    const port = 'export interface TeamStore { find(): void }\n'
    expect(findPortsWithCode(file('src/core/team/team-store.ts', port))).toEqual([])
    expect(findPortsWithCode(file('src/core/team/team-store.ts', `${port}export const limit = 1`))).toHaveLength(1)
  })

  it('find a file that only passes on', () => {
    expect(
      findBarrels(file('src/core/all.ts', `export { a } from './a.ts'\nexport type { B } from './b.ts'`)),
    ).toHaveLength(1)
    expect(findBarrels(file('src/core/all.ts', `import { a } from './a.ts'\nexport { a }`))).toHaveLength(1)
    expect(findBarrels(file('src/core/all.ts', `export { a } from './a.ts'\nexport const b = 1`))).toEqual([])
    expect(findBarrels(file('src/index.ts', `export { a } from './a.ts'`))).toEqual([])
  })

  it.for([
    '// oxlint-disable-next-line',
    '// oxlint-disable-next-line complexity',
    '// oxlint-disable-next-line -- it is better so',
    '// eslint-disable-line no-console --',
    '/* oxlint-disable max-lines */',
  ])('find a rule that is switched off without its name or a reason: %s', (line) => {
    expect(findUnreasonedDisables(file('src/core/a.ts', line))).toEqual(['src/core/a.ts:1: name the rule and say why'])
  })

  it.for([
    '// oxlint-disable-next-line complexity -- one switch reads better than five functions',
    '/* oxlint-disable max-lines -- a table of data */',
  ])('accept a rule that is switched off with a reason: %s', (line) => {
    expect(findUnreasonedDisables(file('src/core/a.ts', line))).toEqual([])
  })
})

describe('.ci/run', { timeout: gateMsMax }, () => {
  const report = (passed: number, failed: number) => `{"numPassedTests": ${passed}, "numFailedTests": ${failed}}`
  const tests = (json: string) => `mkdir -p out && echo '${json}' > out/tests.json`
  const conformance = (json: string) => `mkdir -p out && echo '${json}' > out/conformance.json`
  const good = { ci: 'true', test: tests(report(7, 0)), conformance: conformance('{"passed": 3, "failed": 0}') }

  it.for<[string, Partial<typeof good>, string, number]>([
    ['passes when every step does', {}, '10 passed, 0 failed', 0],
    ['fails with a failing test', { test: `${tests(report(6, 1))}; exit 1` }, '9 passed, 1 failed', 1],
    [
      'fails with a failing scenario',
      { conformance: `${conformance('{"passed": 1, "failed": 2}')}; exit 1` },
      '8 passed, 2 failed',
      1,
    ],
    ['fails with a gate that stops before the tests', { test: 'exit 2' }, '3 passed, 1 failed', 1],
    [
      'fails with tests that fail without a count',
      { test: `${tests(report(7, 0))}; exit 1` },
      '10 passed, 1 failed',
      1,
    ],
    ['fails when nothing was tested', { test: tests(report(0, 0)) }, '3 passed, 1 failed', 1],
    ['fails when no report was written', { conformance: 'true' }, '7 passed, 1 failed', 1],
    ['fails when a report is no report', { conformance: conformance('oops') }, '7 passed, 1 failed', 1],
    ['fails when the install does, and stops there', { ci: 'exit 1' }, '0 passed, 1 failed', 1],
  ])('%s', async ([, change, lastLine, code]) => {
    const steps = { ...good, ...change }
    using house = plantHouse({ '.ci/run': repositoryFile('.ci/run') })
    // An npm that does as told, where the real one would install and test.
    const cases = `  ci) ${steps.ci} ;;\n  test) ${steps.test} ;;\n  "run conformance") ${steps.conformance} ;;\n`
    house.writeProgram('node_modules/.bin/npm', `#!/bin/sh\ncase "$*" in\n${cases}  *) exit 64 ;;\nesac\n`)
    house.writeProgram('node_modules/.bin/redis-server', '#!/bin/sh\n')
    const run = await house.run('bash', '.ci/run')
    expect(run.output.trimEnd().split('\n').at(-1)).toBe(lastLine)
    expect(run.code).toBe(code)
  })
})
