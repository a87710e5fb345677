/**
 * What a decision costs: with 1,000 rules of several shapes, for names that were asked before, for names that were not, for a server's first
 * question; and what access to 10,000 policies costs 100,000 tokens.
 *
 *   node bench/policy.ts [--quick] [--strict]
 */
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Policy, type Condition, type PolicyRule } from '#contract/policy.ts'
import { AccessPool } from '#core/access/access-pool.ts'
import { composeAccess, type Access } from '#core/access/access.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import type { AccessParts } from '#core/access/composition.ts'
import { describeMachine } from './machine.ts'
import { median } from './statistics.ts'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false } },
})

const decisionMicrosMax = 2
const ruleCount = 1_000
const rounds = flags.quick ? 5 : 25
const askCount = flags.quick ? 2_000 : 8_000
const tokenCount = flags.quick ? 10_000 : 100_000
const policyCount = flags.quick ? 1_000 : 10_000

/** With `args` it is asked as for a call. A tool that was never asked for then takes two decisions: one for the tool, one for the arguments. */
type Shape = { name: string; policies: readonly Policy[]; args?: unknown }

const verbs = ['get', 'list', 'create', 'update', 'delete', 'search', 'read', 'write', 'move', 'run']
const nouns = ['issue', 'file', 'branch', 'user', 'table', 'page', 'deployment', 'secret', 'message', 'invoice']
const serverOf = (index: number): string => `server-${index % 50}`
const toolOf = (index: number): string =>
  `${verbs[index % 10]}_${nouns[Math.floor(index / 10) % 10]}_${Math.floor(index / 100)}`
const labelsOf = (server: string): string[] => [`group-${Number(server.split('-')[1] ?? 0) % 7}`]

const mixedRule = (index: number): Omit<PolicyRule, 'level'> => {
  const kind = index % 10
  if (kind < 5) return { server: serverOf(index), tool: toolOf(index) }
  if (kind < 7) return { server: serverOf(index), tool: `${toolOf(index)}*` }
  if (kind === 7) return { server: `server-${index % 5}*`, tool: `*_${index}` }
  return kind === 8
    ? { server: `label:group-${index % 7}`, tool: `*${nouns[index % 9]}_${index}*` }
    : { server: '*', tool: toolOf(index) }
}
const level = (index: number): PolicyRule['level'] => (index % 5 === 0 ? 'deny' : 'execute')
const toPolicy = (name: string, count: number, rule: (index: number) => Omit<PolicyRule, 'level'>): Policy => ({
  name,
  default: 'deny',
  rules: Array.from({ length: count }, (_, index) => ({ ...rule(index), level: level(index) })),
})
const condition: Condition = { path: '$.options.path', matches: '/srv/*/data/*' }

const shapes: readonly Shape[] = [
  { name: 'names, patterns and labels', policies: [toPolicy('mixed', ruleCount, mixedRule)] },
  {
    name: 'the same in 100 policies of 10',
    policies: Array.from({ length: 100 }, (_, part) =>
      toPolicy(`p${part}`, 10, (index) => mixedRule(part * 10 + index)),
    ),
  },
  {
    name: 'tool names of every server',
    policies: [toPolicy('tools', ruleCount, (index) => ({ server: '*', tool: toolOf(index) }))],
  },
  {
    name: 'patterns that begin with letters',
    policies: [toPolicy('prefixes', ruleCount, (index) => ({ server: '*', tool: `${toolOf(index)}*` }))],
  },
  {
    name: 'patterns that begin and end with *',
    policies: [toPolicy('parts', ruleCount, (index) => ({ server: '*', tool: `*${toolOf(index)}*` }))],
  },
  {
    name: 'calls, by rules that ask for arguments',
    policies: [
      toPolicy('guarded', ruleCount, (index) => ({ server: '*', tool: `${toolOf(index)}*`, conditions: [condition] })),
    ],
    args: { options: { path: '/srv/a/data/b' }, content: 'x' },
  },
]

const partsOf = (policies: readonly Policy[]): AccessParts => ({
  ...chooseGrant({ token: { policies } }),
  labelsOf,
})

type Figures = Record<'warm' | 'cold' | 'server' | 'first', number>

/** Microseconds of one question of each kind. */
function measure({ policies, args }: Shape): Figures {
  const samples: Record<keyof Figures, number[]> = { warm: [], cold: [], server: [], first: [] }
  for (let round = 0; round <= rounds; round++) {
    // The first round warms the code.
    if (round === 1) for (const list of Object.values(samples)) list.length = 0
    // Copies: what is worked out for a policy is kept with it.
    const parts = partsOf(policies.map((policy) => structuredClone(policy)))
    samples.first.push(...timed(1, () => asker(composeAccess(parts), args)('server-0', 'get_issue_0')))
    const ask = asker(composeAccess(parts), args)
    samples.server.push(...timed(50, (index) => ask(`server-${index}`, 'get_issue_0')))
    const unknown = asReceived((index) => `${toolOf(index % ruleCount)}_${round}_${index}`)
    samples.cold.push(...timed(askCount, (index) => ask('server-0', unknown[index] ?? '')))
    const known = asReceived((index) => toolOf((index % 100) * 7))
    samples.warm.push(...timed(askCount, (index) => ask('server-1', known[index] ?? '')))
  }
  const { warm, cold, server, first } = samples
  return { warm: median(warm), cold: median(cold), server: median(server), first: median(first) }
}

let asked = 0
/** As a list does; with arguments, as a call does. */
function asker(access: Access, args: unknown): (server: string, tool: string) => void {
  return (server, tool) => {
    const decision = args === undefined ? access.tool(server, tool) : access.call(server, tool, args)
    asked += decision.level.length
  }
}

/** Texts that a program has put together are kept in pieces until somebody reads them: names that come in a message are not. */
function asReceived(nameOf: (index: number) => string): string[] {
  return Array.from({ length: askCount }, (_, index) => Buffer.from(nameOf(index)).toString('latin1'))
}

const sliceMax = 200

/** Microseconds each, slice by slice: the median of many short slices is not that of the machine's other work. */
function timed(count: number, work: (index: number) => void): number[] {
  const slices: number[] = []
  for (let done = 0; done < count;) {
    const end = Math.min(count, done + sliceMax)
    const size = end - done
    const start = performance.now()
    while (done < end) work(done++)
    slices.push(((performance.now() - start) * 1_000) / size)
  }
  return slices
}

function mean(count: number, work: (index: number) => void): number {
  const start = performance.now()
  for (let index = 0; index < count; index++) work(index)
  return ((performance.now() - start) * 1_000) / count
}

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')
function heapMb(): number {
  if (typeof collect === 'function') for (let index = 0; index < 3; index++) collect()
  return process.memoryUsage().heapUsed / 1e6
}

/** A gateway with many tokens, of which some are in use. */
function measureMany(): { what: string; value: string }[] {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  const before = heapMb()
  const policies = Array.from({ length: policyCount }, (_, index) =>
    Policy.parse(toPolicy(`policy ${index}`, 5, (rule) => mixedRule(index * 5 + rule))),
  )
  const loaded = heapMb()
  const house = toPolicy('house', 5, (index) => ({ server: '*', tool: `*_${index}` }))
  const organization = { name: 'acme', policies: [house] }
  const pool = new AccessPool({ labelsOf, hash })
  const accesses: Access[] = []
  const each = mean(tokenCount, (index) => {
    const own = [index, index * 3].map((at) => policies[at % policyCount])
    accesses.push(pool.of(chooseGrant({ token: { policies: own }, organization })))
  })
  const composed = heapMb()
  const inUse = [...new Set(accesses)].slice(0, policyCount)
  const using = mean(inUse.length, (index) => {
    for (let server = 0; server < 5; server++)
      for (let tool = 0; tool < 20; tool++) inUse[index]?.tool(`server-${server}`, toolOf(tool))
  })
  const used = heapMb()
  const mb = (megabytes: number): string => `${megabytes.toFixed(1)} MB`
  return [
    { what: `${policyCount} policies of 5 rules, parsed`, value: mb(loaded - before) },
    {
      what: `${tokenCount} tokens, composed and found in the pool`,
      value: `${((each * tokenCount) / 1e6).toFixed(2)} s, ${each.toFixed(1)} µs each`,
    },
    { what: `their ${new Set(accesses).size} accesses, not asked yet`, value: mb(composed - loaded) },
    {
      what: `${inUse.length} of them, asked for 20 tools at 5 servers each`,
      value: `${(using / 1_000).toFixed(3)} ms each, ${mb(used - composed)}`,
    },
  ]
}

const { cpu, node } = describeMachine()
console.log(`${cpu}, Node ${node}; µs a decision with ${ruleCount} rules, median of ${rounds} rounds\n`)
console.log('| rules | asked before | new name | first of a server | first of all |\n| --- | --- | --- | --- | --- |')
let isMet = true
for (const shape of shapes) {
  const { warm, cold, server, first } = measure(shape)
  isMet &&= warm <= decisionMicrosMax && cold <= decisionMicrosMax * (shape.args === undefined ? 1 : 2)
  console.log(
    `| ${shape.name} | ${warm.toFixed(3)} | ${cold.toFixed(2)} | ${server.toFixed(0)} | ${first.toFixed(0)} |`,
  )
}
console.log(
  `\nAt most ${decisionMicrosMax} µs, asked before or not, and twice that for the first call by arguments: ${isMet ? 'kept' : 'missed'}.\n`,
)
for (const { what, value } of measureMany()) console.log(`- ${what}: ${value}`)
if (flags.strict && !isMet) process.exitCode = 1
if (asked === 0) throw new Error('nothing was asked')
