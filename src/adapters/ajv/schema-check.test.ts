import { describe, expect, it } from 'vitest'
import { createSchemaCheck } from './schema-check.ts'

const draft7 = 'http://json-schema.org/draft-07/schema#'
const point = { type: 'object', properties: { x: { type: 'number' }, y: { type: 'number' } }, required: ['x', 'y'] }

describe('createSchemaCheck', () => {
  it('finds nothing wrong with what fits', async () => {
    expect(await createSchemaCheck()(point, { x: 1, y: 2, z: 3 })).toEqual([])
  })

  it('names every fault with its place', async () => {
    const faults = await createSchemaCheck()({ ...point, additionalProperties: false }, { x: 'one', z: 3 })
    expect(faults).toEqual([
      "arguments: must have required property 'y'",
      'arguments: must NOT have additional properties ("z")',
      'arguments/x: must be number',
    ])
  })

  it('knows the keywords of 2020-12 where no draft is named', async () => {
    const schema = {
      type: 'object',
      properties: { pair: { prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false } },
      unevaluatedProperties: false,
      $defs: { unused: true },
    }
    const check = createSchemaCheck()
    expect(await check(schema, { pair: ['a', 1] })).toEqual([])
    expect(await check(schema, { pair: ['a', 'b'] })).toEqual(['arguments/pair/1: must be integer'])
    expect(await check(schema, { other: 1 })).toEqual(['arguments: must NOT have unevaluated properties ("other")'])
  })

  it('reads a schema of draft-07 as draft-07 means it', async () => {
    const schema = {
      $schema: draft7,
      type: 'object',
      properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'integer' }] } },
    }
    const check = createSchemaCheck()
    expect(await check(schema, { pair: ['a', 1] })).toEqual([])
    expect(await check(schema, { pair: ['a', 'b'] })).toEqual(['arguments/pair/1: must be integer'])
  })

  it('checks formats, nested alternatives and recursion', async () => {
    const schema = {
      type: 'object',
      properties: {
        mail: { type: 'string', format: 'email' },
        tree: { $ref: '#/$defs/tree' },
        either: { oneOf: [{ type: 'string' }, { type: 'object', required: ['id'] }] },
      },
      $defs: { tree: { type: 'object', properties: { next: { $ref: '#/$defs/tree' }, size: { minimum: 1 } } } },
    }
    const check = createSchemaCheck()
    expect(await check(schema, { mail: 'a@example.com', tree: { next: { next: {} } }, either: { id: 1 } })).toEqual([])
    expect(await check(schema, { mail: 'nobody' })).toEqual(['arguments/mail: must match format "email"'])
    expect(await check(schema, { tree: { next: { size: 0 } } })).toEqual(['arguments/tree/next/size: must be >= 1'])
    expect(await check(schema, { either: 7 })).not.toEqual([])
  })

  it('takes schemas of one $id from two servers for two', async () => {
    const check = createSchemaCheck()
    const $id = 'https://example.com/schema'
    expect(await check({ $id, type: 'object', required: ['a'] }, { a: 1 })).toEqual([])
    expect(await check({ $id, type: 'object', required: ['b'] }, { a: 1 })).toEqual([
      "arguments: must have required property 'b'",
    ])
  })

  it('says that a schema cannot be used, and changes nothing for others', async () => {
    const check = createSchemaCheck()
    const unusable = [
      { type: 'nothing' },
      { $ref: 'https://example.com/elsewhere' },
      { properties: { a: { type: 'string', pattern: '(' } } },
      { $async: true, type: 'object' },
      { description: 'x'.repeat(300_000) },
    ]
    for (const schema of unusable) expect(await check(schema, {})).toBeNull()
    expect(await check(point, {})).toHaveLength(2)
  })

  it('forgets the schemas that were used longest ago, and still judges by them', async () => {
    const check = createSchemaCheck({ schemasMax: 2 })
    const schemas = ['a', 'b', 'c', 'd'].map((name) => ({ type: 'object', required: [name] }))
    for (let round = 0; round < 3; round++) {
      for (const schema of schemas) expect(await check(schema, {})).toHaveLength(1)
    }
  })

  it('does not name more faults than anybody reads', async () => {
    const schema = { type: 'array', items: { type: 'string' } }
    const values = Array.from({ length: 500 }, (_, index) => index)
    expect(await createSchemaCheck()(schema, values)).toHaveLength(50)
  })

  it('is not stopped by a pattern that backtracks for ever', async () => {
    const schema = { properties: { text: { pattern: '^(a+)+$' }, code: { pattern: '^[A-Z]{3}$' } } }
    const check = createSchemaCheck()
    expect(await check(schema, { text: `${'a'.repeat(60)}!`, code: 'abc' })).toEqual([
      'arguments/code: must match pattern "^[A-Z]{3}$"',
    ])
  })
})
