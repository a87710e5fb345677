/** What stands in a body that is well formed, and is not allowed all the same: it is named, and nothing is written. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '#contract/operations.ts'
import { resourceOperations } from '#contract/resource-operations.ts'
import { nameOf } from '../support/management-examples.ts'
import { ManagementSweep, type Refused } from '../support/management-sweep.ts'

let sweep: ManagementSweep

beforeAll(async () => {
  sweep = await ManagementSweep.start()
}, 60_000)
afterAll(() => sweep?.[Symbol.asyncDispose]())

const oddNames = [
  '',
  ' ',
  'a b',
  "a'; drop table resource; --",
  '" or ""="',
  '{{7*7}}',
  '${7*7}',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'a%00',
  'a\0b',
  'a\r\nx-admin: 1',
  // Cyrillic, full width, of no width, and turned around: they look like names that are taken.
  'а-user',
  'ａ-user',
  'a\u200b-user',
  'a\u202e-user',
  'A-user',
  'é',
  'x'.repeat(101),
]

const naming = resourceOperations.filter(({ verb }) => verb === 'create' || verb === 'replace')

describe.each(naming)('$id', (operation) => {
  const { kind, verb } = operation

  it('gives no name that is none, or looks like another', async () => {
    const { body } = sweep.exampleOf(operation)
    const some = oddNames.map((name) => ({ what: name, body: { ...body, name }, ends: '422 invalid_body' }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })

  it('gives no name that another has', async () => {
    const { body } = sweep.exampleOf(operation)
    const taken = [nameOf(kind, 'b'), ...(verb === 'create' ? [nameOf(kind, 'a')] : [])]
    const some = taken.map((name) => ({ what: name, body: { ...body, name }, ends: '409 already_exists' }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

const namesNothing = ['policy', 'server', 'secret']

describe.each(naming.filter(({ kind }) => !namesNothing.includes(kind)))('$id', (operation) => {
  it('names nothing that there is not, wherever it names something', async () => {
    const some = danglings(sweep.exampleOf(operation).body)
    expect(some.length).toBeGreaterThan(0)
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

/** The body with each of its references, one at a time, to something that there is not. */
function danglings(body: object): Refused[] {
  const text = JSON.stringify(body)
  const references = [...text.matchAll(/"a-(?:policy|organization|user|server|toolset)"/g)]
  return references
    .filter(({ index }) => !text.slice(0, index).endsWith('"name":'))
    .flatMap(({ 0: reference, index }) =>
      ['nobody', 'usr_AAAAAAAAAAAAAAAAAAAA', "'--", '{{7*7}}'].map((name) => ({
        what: `${name} for ${reference} at ${index}`,
        body: text.slice(0, index) + JSON.stringify(name) + text.slice(index + reference.length),
        ends: '422 dangling_reference',
      })),
    )
}

it.each<[string, Record<string, unknown>]>([
  ['createToken', { expires: '2020-01-01' }],
  ['createToken', { expiresAt: 1 }],
  ['createToken', { expires: '-1d' }],
  ['createToken', { expires: '1d', expiresAt: 9_999_999_999_999 }],
  ['createToken', { expires: '99999999999999999999d' }],
  ['createToken', { rights: 'all' }],
  ['createToken', { bindings: [{ role: 'admin', resource: 'servers' }] }],
  ['replaceToken', { expiresAt: 1 }],
  ['rotateToken', { expires: '2020-01-01' }],
  ['rotateToken', { overlapMs: -1 }],
  ['createUser', { role: 'root' }],
  ['replaceUser', { role: 'owner' }],
  ['createTeam', { members: [{ user: 'a-user', role: 'owner' }] }],
  ['createTeam', { members: [{ user: 'a-user' }, { user: 'a-user' }] }],
  ['createRoleBinding', { bindings: [{ role: 'admin', resource: 'servers' }] }],
  ['createRoleBinding', { bindings: [{ role: 'view', resource: 'everything' }] }],
  ['createRoleBinding', { bindings: [{ role: 'run', action: 'shell' }] }],
  ['createRoleBinding', { bindings: [{ role: 'view', resource: '*', name: 'a-user' }] }],
  ['createPolicy', { default: 'root' }],
  ['createPolicy', { rules: [{ level: 'maybe' }] }],
  ['createServer', { transport: { kind: 'streamable_http', url: 'file:///etc/passwd' } }],
  ['createServer', { transport: { kind: 'telnet', url: 'http://127.0.0.1' } }],
  ['canI', { role: 'admin' }],
  ['createSession', { lifetimeMs: -1 }],
  ['createSession', { lifetimeMs: 1e300 }],
  ['reportSession', { status: 'dead' }],
  ['setPassword', { password: 'short' }],
  ['dryRun', { days: 0 }],
])('%s does not take %j', async (id, change) => {
  const operation = operations.find((one) => one.id === id)
  assert.ok(operation)
  const body = { ...sweep.exampleOf(operation).body, ...change }
  expect(await sweep.misses(operation, [{ what: id, body, ends: '422 invalid_body' }])).toEqual([])
})
