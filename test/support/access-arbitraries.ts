/** Any access there can be, of few letters, so that names and patterns often meet. */
import * as fc from 'fast-check'
import { labelPrefix, type Condition, type Level, type Policy, type PolicyRule } from '#contract/policy.ts'
import type { Ceiling } from '#core/access/ceiling.ts'
import type { AccessParts, AttachedPolicy } from '#core/access/composition.ts'

export const levels: readonly Level[] = ['deny', 'read', 'execute', 'admin']
export const rankOf = (level: Level): number => levels.indexOf(level)

const level = fc.constantFrom(...levels)
const pattern = fc.oneof(
  fc.constantFrom('*', 'a', 'b', 'ab', 'a*', '*b', '?', '**', '__proto__', 'constructor'),
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }),
)
export const anyName = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', '*'),
)
export const anyLabel = fc.constantFrom('x', 'y', 'z', '__proto__')
const selector = fc.oneof(
  { weight: 3, arbitrary: pattern },
  anyLabel.map((label) => labelPrefix + label),
)

const parameter = fc.constantFrom('a', 'b', 'c')
const scalar = fc.constantFrom<string | number | boolean>('', 'a', 'ab', 0, 1, 2, true, false)
const comparison = fc.oneof(
  fc.record({ eq: scalar }),
  fc.record({ ne: scalar }),
  fc.record({ lt: fc.nat(3) }),
  fc.record({ gte: fc.nat(3), lte: fc.nat(3) }),
  fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ notIn: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ matches: pattern }),
  fc.record({ exists: fc.boolean() }),
)
const path = fc.oneof(
  parameter.map((name) => `$.${name}`),
  fc.constantFrom('$.a.b', '$.a[0]', "$['b']"),
)
const condition: fc.Arbitrary<Condition> = fc
  .tuple(path, comparison)
  .map(([path, comparison]) => ({ path, ...comparison }))
const guard = fc.record(
  { allowedParams: fc.array(parameter, { maxLength: 3 }), conditions: fc.array(condition, { maxLength: 2 }) },
  { requiredKeys: [] },
)

export const anyRule: fc.Arbitrary<PolicyRule> = fc
  .tuple(fc.record({ server: selector, tool: pattern, level }), fc.oneof(fc.constant({}), guard))
  .map(([rule, guard]) => ({ ...rule, ...guard }))

const anyPolicy = (name: string): fc.Arbitrary<Policy> =>
  fc.record({ name: fc.constant(name), default: level, rules: fc.array(anyRule, { maxLength: 6 }) })

/** Of up to three policies, each with a name of its own. */
export const anyPolicies = (prefix: string): fc.Arbitrary<Policy[]> =>
  fc.nat(3).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => anyPolicy(`${prefix}${index}`))))

export const attach = (policies: readonly Policy[], kind: AttachedPolicy['attachedTo']['kind']): AttachedPolicy[] =>
  policies.map((policy) => ({ policy, attachedTo: { kind } }))

const pair = fc.record({ server: anyName, tool: anyName })
export const anyCeiling = (name: string): fc.Arbitrary<Ceiling> =>
  fc.record(
    {
      name: fc.constant(name),
      servers: fc.array(anyName, { maxLength: 4 }),
      labels: fc.array(anyLabel, { maxLength: 2 }),
      tools: fc.array(pair, { maxLength: 4 }),
      toolsets: fc.array(fc.record({ name: fc.constant('set'), tools: fc.array(pair, { maxLength: 3 }) }), {
        maxLength: 2,
      }),
    },
    { requiredKeys: ['name'] },
  )
const anyCeilings = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  fc.nat(2).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => anyCeiling(`c${index}`)))),
)

/** Labels by server; a server that is not among them is not known. */
export const anyLabels = fc
  .array(fc.tuple(anyName, fc.array(anyLabel, { maxLength: 2 })), { maxLength: 8 })
  .map((entries) => new Map(entries))
export type LabelsOf = ReadonlyMap<string, readonly string[]>

export const factsOf = (
  labels: LabelsOf,
  everyone: readonly string[] = [],
): Pick<AccessParts, 'labelsOf' | 'isForEveryone'> => ({
  labelsOf: (server) => labels.get(server) ?? null,
  isForEveryone: (server) => everyone.includes(server),
})

export const anyParts: fc.Arbitrary<AccessParts> = fc
  .record({
    grant: anyPolicies('g'),
    bounds: anyPolicies('b'),
    within: fc.option(anyPolicies('w'), { nil: undefined, freq: 2 }),
    ceilings: anyCeilings,
    labels: anyLabels,
    everyone: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(anyName, { maxLength: 3 })),
  })
  .map(({ grant, bounds, within, ceilings, labels, everyone }) => ({
    grant: attach(grant, 'token'),
    bounds: attach(bounds, 'team'),
    ...(within && { within: attach(within, 'user') }),
    ceilings,
    ...factsOf(labels, everyone),
  }))

const argument: fc.Arbitrary<unknown> = fc.oneof(
  scalar,
  fc.constantFrom(null, 1.5, -1, 'abb', {}, []),
  fc.record({ b: scalar }, { requiredKeys: [] }),
  fc.array(scalar, { maxLength: 2 }),
)
/** Mostly an object, with names in other spellings now and then. */
export const anyArguments: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(fc.oneof({ weight: 5, arbitrary: parameter }, fc.constantFrom('A', 'd')), argument, {
      maxKeys: 3,
    }),
  },
  fc.constantFrom(undefined, null, 'text', 1, []),
)

export const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...list], { minLength: list.length })
