/** One smallest breach for each way of leaving one's floor. The file stands where `path` says. */
import type { ImportKind } from './imports.ts'

export type PlanBreach = { what: string; path: string; text: string; kind: ImportKind }

export const planBreaches: readonly PlanBreach[] = [
  {
    what: 'core imports a Node module',
    path: 'src/core/a.ts',
    text: `import { join } from 'node:path'`,
    kind: 'value',
  },
  { what: 'core imports a package', path: 'src/core/b.ts', text: `import { z } from 'zod'`, kind: 'value' },
  {
    what: 'core names a type of a higher floor',
    path: 'src/core/c.ts',
    text: `import type { X } from '#http/x.ts'`,
    kind: 'type',
  },
  {
    what: 'core names a type inline',
    path: 'src/core/d.ts',
    text: `import { type X, type Y } from '#gateway/x.ts'`,
    kind: 'type',
  },
  {
    what: 'core names a type by import()',
    path: 'src/core/e.ts',
    text: `export type X = import('#http/x.ts').X`,
    kind: 'import-type',
  },
  { what: 'core imports for a side effect', path: 'src/core/f.ts', text: `import '#config/x.ts'`, kind: 'side-effect' },
  { what: 'core passes on', path: 'src/core/g.ts', text: `export { x } from '#http/x.ts'`, kind: 're-export' },
  { what: 'core passes on all', path: 'src/core/h.ts', text: `export * from '#http/x.ts'`, kind: 're-export' },
  {
    what: 'core passes on a type',
    path: 'src/core/i.ts',
    text: `export type { X } from '#http/x.ts'`,
    kind: 're-export',
  },
  { what: 'core passes on nothing', path: 'src/core/j.ts', text: `export {} from '#http/x.ts'`, kind: 're-export' },
  {
    what: 'core imports at run time',
    path: 'src/core/k.ts',
    text: `export const x = import('#http/x.ts')`,
    kind: 'dynamic',
  },
  {
    what: 'core imports by template',
    path: 'src/core/l.ts',
    text: 'export const x = import(`#http/x.ts`)',
    kind: 'dynamic',
  },
  {
    what: 'a computed target',
    path: 'src/adapters/a/m.ts',
    text: `export const x = (name: string) => import(name)`,
    kind: 'dynamic',
  },
  { what: 'contract looks up', path: 'src/contract/a.ts', text: `import type { X } from '#core/x.ts'`, kind: 'type' },
  {
    what: 'gateway knows an adapter',
    path: 'src/gateway/a.ts',
    text: `import { x } from '#adapters/a/x.ts'`,
    kind: 'value',
  },
  {
    what: 'one plane knows another',
    path: 'src/gateway/b.ts',
    text: `import type { X } from '#control/x.ts'`,
    kind: 'type',
  },
  {
    what: 'one adapter knows another',
    path: 'src/adapters/a/a.ts',
    text: `import { x } from '#adapters/b/x.ts'`,
    kind: 'value',
  },
  {
    what: 'an adapter knows a plane',
    path: 'src/adapters/a/b.ts',
    text: `import type { X } from '#gateway/x.ts'`,
    kind: 'type',
  },
  {
    what: 'an adapter uses our own face',
    path: 'src/adapters/a/c.ts',
    text: `import { x } from 'toolgate'`,
    kind: 'value',
  },
  { what: 'http knows an adapter', path: 'src/http/a.ts', text: `import { x } from '#adapters/a/x.ts'`, kind: 'value' },
  { what: 'http uses an unplanned package', path: 'src/http/b.ts', text: `import { x } from 'kysely'`, kind: 'value' },
  { what: 'cli knows the gateway', path: 'src/cli/a.ts', text: `import { x } from '#gateway/x.ts'`, kind: 'value' },
  { what: 'the library knows http', path: 'src/library/a.ts', text: `import { x } from '#http/x.ts'`, kind: 'value' },
  { what: 'http knows the library', path: 'src/http/c.ts', text: `import { x } from '#library/x.ts'`, kind: 'value' },
  { what: 'the face knows http', path: 'src/index.ts', text: `export { x } from '#http/x.ts'`, kind: 're-export' },
  { what: '../ to another room', path: 'src/core/n/n.ts', text: `import { x } from '../../http/x.ts'`, kind: 'value' },
  { what: '../ inside the room', path: 'src/core/n/o.ts', text: `import { x } from '../x.ts'`, kind: 'value' },
  { what: '../ behind a room', path: 'src/core/n/p.ts', text: `import { x } from '#core/../http/x.ts'`, kind: 'value' },
  { what: '../ behind ./', path: 'src/core/n/q.ts', text: `import { x } from './../../http/x.ts'`, kind: 'value' },
  { what: './ into a folder', path: 'src/core/r.ts', text: `import { x } from './n/x.ts'`, kind: 'value' },
  { what: 'an absolute path', path: 'src/adapters/a/s.ts', text: `import { x } from '/src/http/x.ts'`, kind: 'value' },
  { what: 'a test as a library', path: 'src/core/t.ts', text: `import { x } from './x.test.ts'`, kind: 'value' },
  { what: 'an unplanned room', path: 'src/extras/a.ts', text: `import { x } from './x.ts'`, kind: 'value' },
  { what: 'a breach in JavaScript', path: 'src/core/u.js', text: `import { x } from '#http/x.ts'`, kind: 'value' },
]

/** The same kinds of import, all within the plan. */
export const lawfulImports: Readonly<Record<string, string>> = {
  'src/contract/ok.ts': `import { z } from 'zod'\nimport { a } from './a.ts'\nimport { b } from '#contract/deep/b.ts'`,
  'src/core/ok.ts': `import type { A } from '#contract/a.ts'\nexport { b } from '#core/deep/b.ts'\nexport const c = import('./c.ts')`,
  'src/gateway/ok.ts': `import { a } from '#core/a.ts'\nimport '#gateway/deep/b.ts'`,
  'src/adapters/postgres/ok.ts': `import pg from 'pg'\nimport { join } from 'node:path'\nimport { a } from '#adapters/sql/a.ts'\nimport type { B } from '#core/b.ts'`,
  'src/http/ok.ts': `import fastify from 'fastify'\nimport cookie from '@fastify/cookie'\nimport { a } from '#gateway/a.ts'`,
  'src/cli/ok.ts': `import { Command } from 'commander'\nimport { a } from '#config/a.ts'`,
  'src/library/ok.ts': `import { a } from '#gateway/a.ts'\nimport { b } from '#adapters/sql/b.ts'`,
  'src/index.ts': `export { a } from '#library/a.ts'`,
  'src/main.ts': `import { a } from '#http/a.ts'\nimport { b } from './index.ts'\nimport { c } from '#cli/c.ts'\nimport pino from 'pino'`,
}
