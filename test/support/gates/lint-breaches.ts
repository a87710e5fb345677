/** One smallest breach for each lint rule that carries weight here. A table of data, so it may be long. */

export type LintBreach = { rule: string; path: string; text: string }

const lines = (count: number, line: string): string => `${line}\n`.repeat(count)

/** Rooms in which a package, a Node module, the network, a timer, a clock or a die must be refused. */
export const pureRooms = ['core', 'gateway', 'control', 'issuer']

const purity: readonly [name: string, rule: string, text: string][] = [
  ['package', 'eslint(no-restricted-imports)', `import { z } from 'zod'\nexport const shape = z.string()\n`],
  ['node', 'eslint(no-restricted-imports)', `import { join } from 'node:path'\nexport const path = join('a')\n`],
  [
    'node-sub',
    'eslint(no-restricted-imports)',
    `import { readFile } from 'node:fs/promises'\nexport const read = readFile\n`,
  ],
  ['http', 'eslint(no-restricted-imports)', `import { x } from '#http/x.ts'\nexport const y = x\n`],
  ['http-type', 'eslint(no-restricted-imports)', `import type { X } from '#http/x.ts'\nexport type Y = X\n`],
  ['parent', 'eslint(no-restricted-imports)', `import { x } from '../config/x.ts'\nexport const y = x\n`],
  ['fetch', 'eslint(no-restricted-globals)', `export const load = () => fetch('http://localhost')\n`],
  ['timer', 'eslint(no-restricted-globals)', `export const wait = (task: () => void) => setTimeout(task, 1)\n`],
  ['interval', 'eslint(no-restricted-globals)', `export const tick = (task: () => void) => setInterval(task, 1)\n`],
  ['global-timer', 'eslint(no-restricted-globals)', `export const wait = () => globalThis.setTimeout(() => {}, 1)\n`],
  ['random-id', 'eslint(no-restricted-globals)', `export const id = () => crypto.randomUUID()\n`],
  ['environment', 'eslint(no-restricted-globals)', `export const home = () => process.cwd()\n`],
  ['now', 'eslint(no-restricted-properties)', `export const now = () => Date.now()\n`],
  ['timeout', 'eslint(no-restricted-properties)', `export const soon = () => AbortSignal.timeout(1)\n`],
  ['random', 'eslint(no-restricted-properties)', `export const die = () => Math.random()\n`],
]

const breachesOfPurity: readonly LintBreach[] = pureRooms.flatMap((room) =>
  purity.map(([name, rule, text]) => ({ rule, path: `src/${room}/${name}.ts`, text })),
)

const breachesAnywhere: readonly LintBreach[] = [
  {
    rule: 'eslint(no-restricted-imports)',
    path: 'src/contract/yaml.ts',
    text: `import { parse } from 'yaml'\nexport const read = parse\n`,
  },
  {
    rule: 'eslint(no-restricted-imports)',
    path: 'src/adapters/a/parent.ts',
    text: `import { x } from '../b/x.ts'\nexport const y = x\n`,
  },
  {
    rule: 'import(no-cycle)',
    path: 'src/http/egg.ts',
    text: `import { hen } from './hen.ts'\nexport const egg = () => hen\n`,
  },
  {
    rule: 'import(no-cycle)',
    path: 'src/http/hen.ts',
    text: `import { egg } from './egg.ts'\nexport const hen = () => egg\n`,
  },
  {
    rule: 'import(no-cycle)',
    path: 'src/http/type-egg.ts',
    text: `import type { Hen } from './type-hen.ts'\nexport type Egg = { laidBy: Hen }\n`,
  },
  {
    rule: 'import(no-cycle)',
    path: 'src/http/type-hen.ts',
    text: `import type { Egg } from './type-egg.ts'\nexport type Hen = { eggs: Egg[] }\n`,
  },
  { rule: 'import(no-default-export)', path: 'src/http/default.ts', text: `export default 1\n` },
  { rule: 'import(no-mutable-exports)', path: 'src/http/mutable.ts', text: `export let count = 0\ncount += 1\n` },
  {
    rule: 'oxc(no-barrel-file)',
    path: 'src/http/barrel.ts',
    text: `export * from './default.ts'\nexport * from './mutable.ts'\n`,
  },
  { rule: 'unicorn(filename-case)', path: 'src/http/camelCase.ts', text: `export const one = 1\n` },
  {
    rule: 'unicorn(prefer-node-protocol)',
    path: 'src/http/bare.ts',
    text: `import { join } from 'path'\nexport const j = join\n`,
  },
  {
    rule: 'eslint(max-lines)',
    path: 'src/http/long-file.ts',
    text: `export const all: number[] = []\n${lines(401, 'all.push(1)')}`,
  },
  {
    rule: 'eslint(max-lines-per-function)',
    path: 'src/http/long-function.ts',
    text: `export function long(all: number[]) {\n${lines(61, '  all.push(1)')}}\n`,
  },
  {
    rule: 'eslint(max-params)',
    path: 'src/http/parameters.ts',
    text: `export const sum = (a: number, b: number, c: number, d: number) => a + b + c + d\n`,
  },
  {
    rule: 'eslint(max-depth)',
    path: 'src/http/depth.ts',
    text: `export function deep(n: number) {\n  if (n > 1) { if (n > 2) { if (n > 3) { if (n > 4) { return 1 } } } }\n  return 0\n}\n`,
  },
  {
    rule: 'eslint(complexity)',
    path: 'src/http/complex.ts',
    text: `export function pick(n: number) {\n${lines(13, '  if (n > 1) return 1')}  return 0\n}\n`,
  },
  { rule: 'typescript(no-explicit-any)', path: 'src/http/any.ts', text: `export const f = (x: any) => typeof x\n` },
  {
    rule: 'typescript(no-unsafe-type-assertion)',
    path: 'src/http/assertion.ts',
    text: `export const f = (x: unknown) => x as { a: string }\n`,
  },
  {
    rule: 'typescript(no-unsafe-assignment)',
    path: 'src/http/unsafe-assignment.ts',
    text: `export function f(text: string): string {\n  const name: string = JSON.parse(text)\n  return name\n}\n`,
  },
  {
    rule: 'typescript(no-unsafe-member-access)',
    path: 'src/http/unsafe-member.ts',
    text: `export const f = (text: string): unknown => JSON.parse(text).name\n`,
  },
  {
    rule: 'typescript(no-non-null-assertion)',
    path: 'src/http/non-null.ts',
    text: `export const f = (x: string | null) => x!.length\n`,
  },
  {
    rule: 'typescript(consistent-type-imports)',
    path: 'src/http/type-import.ts',
    text: `import { X } from './x.ts'\nexport type Y = X\n`,
  },
  {
    rule: 'typescript(switch-exhaustiveness-check)',
    path: 'src/http/switch.ts',
    text: `export function f(x: 'a' | 'b') {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 0\n}\n`,
  },
  {
    rule: 'typescript(ban-ts-comment)',
    path: 'src/http/ts-comment.ts',
    text: `// @ts-ignore\nexport const one: string = 1\n`,
  },
  {
    rule: 'typescript(no-floating-promises)',
    path: 'src/http/floating.ts',
    text: `const save = async () => 1\nexport function f() {\n  save()\n}\n`,
  },
  {
    rule: 'typescript(no-misused-promises)',
    path: 'src/http/misused.ts',
    text: `export const f = (all: number[]) => all.forEach(async () => {})\n`,
  },
  {
    rule: 'typescript(only-throw-error)',
    path: 'src/http/throw.ts',
    text: `export function f() {\n  throw 'text'\n}\n`,
  },
  {
    rule: 'typescript(return-await)',
    path: 'src/http/return-await.ts',
    text: `export async function f(p: Promise<number>) {\n  try {\n    return p\n  } catch {\n    return 0\n  }\n}\n`,
  },
  { rule: 'eslint(eqeqeq)', path: 'src/http/equal.ts', text: `export const f = (a: string, b: string) => a == b\n` },
  {
    rule: 'eslint(no-empty)',
    path: 'src/http/empty.ts',
    text: `export function f(g: () => void) {\n  try {\n    g()\n  } catch {}\n}\n`,
  },
  { rule: 'eslint(no-unused-vars)', path: 'src/http/unused.ts', text: `export function f() {\n  const x = 1\n}\n` },
  { rule: 'eslint(no-console)', path: 'src/http/console.ts', text: `export const f = () => console.log('x')\n` },
  { rule: 'node(no-process-env)', path: 'src/http/environment.ts', text: `export const f = () => process.env['X']\n` },
  { rule: 'unicorn(no-process-exit)', path: 'src/http/exit.ts', text: `export const f = () => process.exit(1)\n` },
  {
    rule: 'vitest(no-restricted-vi-methods)',
    path: 'src/http/mock.test.ts',
    text: `import { expect, it, vi } from 'vitest'\nvi.mock('./x.ts')\nit('adds', () => expect(1).toBe(1))\n`,
  },
  {
    rule: 'vitest(expect-expect)',
    path: 'src/http/silent.test.ts',
    text: `import { it } from 'vitest'\nit('says nothing', () => {})\n`,
  },
  {
    rule: 'vitest(no-focused-tests)',
    path: 'src/http/focused.test.ts',
    text: `import { expect, it } from 'vitest'\nit.only('adds', () => expect(1).toBe(1))\n`,
  },
  {
    rule: 'vitest(no-disabled-tests)',
    path: 'src/http/skipped.test.ts',
    text: `import { expect, it } from 'vitest'\nit.skip('adds', () => expect(1).toBe(1))\n`,
  },
  {
    rule: 'vitest(no-identical-title)',
    path: 'src/http/twins.test.ts',
    text: `import { expect, it } from 'vitest'\nit('adds', () => expect(1).toBe(1))\nit('adds', () => expect(2).toBe(2))\n`,
  },
  {
    rule: 'eslint(no-restricted-imports)',
    path: 'src/core/parent.test.ts',
    text: `import { expect, it } from 'vitest'\nimport { x } from '../http/x.ts'\nit('is', () => expect(x).toBe(1))\n`,
  },
]

export const lintBreaches: readonly LintBreach[] = [...breachesOfPurity, ...breachesAnywhere]

/** What the same rules must let pass, or the gate only says no. */
export const lawfulFiles: Readonly<Record<string, string>> = {
  'src/contract/name.ts': `import { z } from 'zod'\n\nexport const Name = z.string()\nexport type Name = z.infer<typeof Name>\n`,
  'src/core/greeting.ts': `import type { Name } from '#contract/name.ts'\n\nexport const greet = (name: Name) => \`Hello, \${name}\`\n`,
  'src/core/greeting.test.ts': `import { readFileSync } from 'node:fs'\nimport { expect, it } from 'vitest'\nimport { greet } from './greeting.ts'\n\nit('greets', () => {\n  expect(greet(readFileSync('package.json', 'utf8'))).toContain('Hello')\n})\n`,
  'src/gateway/hall.ts': `import { greet } from '#core/greeting.ts'\n\nexport const hall = () => greet('you')\n`,
  'src/http/x.ts': `export const x = 1\nexport type X = number\n`,
  'src/index.ts': `export { hall } from '#gateway/hall.ts'\n`,
  'src/main.ts': `import { hall } from '#gateway/hall.ts'\nimport { x } from '#http/x.ts'\n\nconsole.log(hall(), x, process.env['HOME'])\n`,
}
