import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { GatewayError } from './errors.ts'
import { parseBody } from './parse-body.ts'
import { MintToken, resourceBodies } from './resource-body.ts'

const schemas: Readonly<Record<string, z.ZodType>> = resourceBodies

function problemsOf(parse: () => unknown): unknown {
  try {
    parse()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'invalid_body') return error.details['problems']
    throw error
  }
  return []
}

describe('parseBody', () => {
  it('gives what the schema makes of the body', () => {
    expect(parseBody(resourceBodies.team, { name: 'platform' })).toEqual({
      name: 'platform',
      labels: {},
      members: [],
      policies: [],
    })
  })

  it('names every problem by its path and by the rule', () => {
    const body = {
      name: 'Platform',
      color: 'red',
      labels: { 'a b': 'x' },
      members: [{ user: 'ann' }, { user: 5, role: 'owner', since: 2 }],
      policies: 'reader',
    }
    expect(problemsOf(() => parseBody(resourceBodies.team, body))).toEqual([
      { path: 'members[1].user', problem: 'must be a text' },
      { path: 'members[1].role', problem: 'must be one of "admin", "member"' },
      { path: 'members[1].since', problem: 'is not known here' },
      { path: 'policies', problem: 'must be a list' },
      {
        path: 'name',
        problem: 'use a-z, 0-9 and ._@+-, starting with a letter or digit, at most 100 characters',
      },
      { path: 'labels.[hidden]', problem: 'has a key that is not allowed here' },
      { path: 'color', problem: 'is not known here' },
    ])
  })

  it('says of a union what is wrong with the form that was meant', () => {
    const bindings = [{ role: 'view', resource: 'server' }, { action: 'logs', role: 'view' }, 7]
    expect(problemsOf(() => parseBody(MintToken, { name: 'ci', bindings }))).toEqual([
      { path: 'bindings[0].resource', problem: expect.stringMatching(/^must be one of "\*", "organizations"/) },
      { path: 'bindings[1].role', problem: 'must be "run"' },
      { path: 'bindings[2]', problem: 'must be an object' },
    ])
  })

  it.each([undefined, null, [], 'text', 5])('refuses a body that is no object: %s', (body) => {
    expect(problemsOf(() => parseBody(resourceBodies.user, body))).toEqual([{ path: '', problem: expect.any(String) }])
  })

  it('never repeats a value, nor a key that may be one', () => {
    const canary = 'sk-canary 0123456789'
    const bodies = [
      { name: canary },
      { [canary]: canary },
      { name: 'a', email: canary, role: canary, policies: [canary, 5], type: canary, labels: { [canary]: canary } },
      { name: 'a', transport: { kind: canary, url: canary, headers: { [canary]: canary } }, labels: canary },
      { name: 'a', transport: { kind: 'streamable_http', url: canary, headers: { [canary]: `${canary}\n` } } },
      { name: 'a', subjects: [{ kind: canary, ref: canary }], bindings: [{ role: canary, name: canary }, canary] },
    ]
    const told = bodies.flatMap((body) =>
      Object.values(schemas).map((schema) => problemsOf(() => parseBody(schema, body))),
    )
    expect(told.flat().length).toBeGreaterThan(50)
    expect(JSON.stringify(told)).not.toContain('canary')
  })

  it('stops at fifty problems', () => {
    const body = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`key${index}`, index]))
    expect(problemsOf(() => parseBody(resourceBodies.team, body))).toHaveLength(50)
  })

  it.each([
    ['a name of another alphabet', 'pаypal'],
    ['a name with upper case', 'Team'],
    ['template words', '{{name}}'],
    ['quotes of SQL', "a'; drop table resource; --"],
    ['a path', '../../etc/passwd'],
    ['a line break', 'a\nb'],
    ['an empty name', ''],
    ['a name that is too long', 'a'.repeat(101)],
    ['invisible characters', 'a\u200bb'],
    ['a full-width letter', 'ａ'],
  ])('refuses %s as a name', (_, name) => {
    for (const schema of Object.values(schemas)) {
      const problems = problemsOf(() => parseBody(schema, { name }))
      expect(problems).toContainEqual(expect.objectContaining({ path: 'name' }))
    }
  })
})
