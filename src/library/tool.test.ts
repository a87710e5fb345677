import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from './errors.ts'
import { PropertySchema, ToolInputSchema } from './input-schema.ts'
import { Tool } from './tool.ts'

describe('Tool', () => {
  it('is built as documented', () => {
    const tool = new Tool('get_weather', 'Get current weather for a location').withInputSchema(
      new ToolInputSchema()
        .withProperty('city', PropertySchema.string('City name'))
        .withProperty('units', PropertySchema.string('Temperature units (celsius/fahrenheit)'))
        .withRequired(['city']),
    )
    const schema = {
      type: 'object',
      properties: {
        city: { type: 'string', description: 'City name' },
        units: { type: 'string', description: 'Temperature units (celsius/fahrenheit)' },
      },
      required: ['city'],
      additionalProperties: false,
    }
    expect(tool.toOpenAIFunction()).toEqual({
      type: 'function',
      function: { name: 'get_weather', description: 'Get current weather for a location', parameters: schema },
    })
    expect(tool.toAnthropicTool()).toEqual({
      name: 'get_weather',
      description: 'Get current weather for a location',
      input_schema: schema,
    })
    expect(JSON.parse(JSON.stringify(tool))).toEqual({
      name: 'get_weather',
      description: 'Get current weather for a location',
      inputSchema: schema,
    })
  })

  it('takes no arguments until it has a schema', () => {
    expect(new Tool('now').inputSchema).toEqual({ type: 'object', properties: {}, additionalProperties: false })
    expect(new Tool('now').toOpenAIFunction().function).not.toHaveProperty('description')
  })

  it('leaves the tool as it was that it was built from', () => {
    const first = new Tool('a', 'first')
    const second = first.withDescription('second').withSchema({ type: 'object', properties: { x: {} } })
    expect([first.description, second.description]).toEqual(['first', 'second'])
    expect(first.inputSchema['properties']).toEqual({})
    expect(second.inputSchema).toEqual({ type: 'object', properties: { x: {} } })
  })

  it('keeps every member and keyword of a listed tool', () => {
    const listed = {
      name: 'search',
      title: 'Search',
      description: 'Finds.',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          q: {
            oneOf: [
              { type: 'string', format: 'uri' },
              { type: 'object', properties: { deep: { const: 1 } } },
            ],
          },
        },
        'x-vendor': [1],
      },
      outputSchema: { type: 'object' },
      annotations: { readOnlyHint: true },
      _meta: { 'a/b': 1 },
    }
    expect(Tool.from(listed).toJSON()).toEqual(listed)
    expect(Tool.from(listed).withDescription('Other.').toJSON()).toEqual({ ...listed, description: 'Other.' })
    expect(Tool.from(listed).toOpenAIFunction('mcp_web__search').function).toEqual({
      name: 'mcp_web__search',
      description: 'Finds.',
      parameters: listed.inputSchema,
    })
  })

  it.each([
    null,
    [],
    {},
    { name: 1, inputSchema: {} },
    { name: 'a' },
    { name: 'a', inputSchema: [] },
    { name: '', inputSchema: {} },
  ])('refuses %j as a listed tool', (listed) => {
    expect(() => Tool.from(listed)).toThrow(ValidationError)
  })

  it('refuses an empty name', () => {
    expect(() => new Tool('')).toThrow(ValidationError)
  })

  it('gives models a name that they take, whatever the tool is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), (name) => {
        expect(new Tool(name).toOpenAIFunction().function.name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
        expect(new Tool(name).toAnthropicTool().name).toBe(new Tool(name).toOpenAIFunction().function.name)
      }),
    )
  })
})

describe('PropertySchema', () => {
  it('writes the keywords of each type', () => {
    expect(PropertySchema.string().toJSON()).toEqual({ type: 'string' })
    expect(PropertySchema.number('How much').toJSON()).toEqual({ type: 'number', description: 'How much' })
    expect(PropertySchema.integer().withRange(1, 10).withDefault(5).toJSON()).toEqual({
      type: 'integer',
      minimum: 1,
      maximum: 10,
      default: 5,
    })
    expect(PropertySchema.boolean().withDefault(false).toJSON()).toEqual({ type: 'boolean', default: false })
    expect(PropertySchema.array(PropertySchema.string().withEnum(['a', 'b']), 'Some').toJSON()).toEqual({
      type: 'array',
      description: 'Some',
      items: { type: 'string', enum: ['a', 'b'] },
    })
    expect(
      PropertySchema.string().withDescription('x').withPattern('^a').withKeyword('format', 'uri').toJSON(),
    ).toEqual({
      type: 'string',
      description: 'x',
      pattern: '^a',
      format: 'uri',
    })
    expect(
      PropertySchema.string()
        .withPattern(/^a\/b$/)
        .toJSON(),
    ).toEqual({ type: 'string', pattern: '^a\\/b$' })
  })

  it('leaves the open end of a range open', () => {
    expect(PropertySchema.number().withRange(0).toJSON()).toEqual({ type: 'number', minimum: 0 })
    expect(PropertySchema.number().withRange(undefined, 1).toJSON()).toEqual({ type: 'number', maximum: 1 })
  })

  it('is not changed by what is done with what it was made from or gave', () => {
    const values = ['a']
    const schema = PropertySchema.string().withEnum(values)
    values.push('b')
    schema.toJSON()['type'] = 'number'
    expect(schema.toJSON()).toEqual({ type: 'string', enum: ['a'] })
    schema.withDescription('other')
    expect(schema.toJSON()).not.toHaveProperty('description')
  })
})

describe('ToolInputSchema', () => {
  it('nests, requires each name once, and takes schemas as they are', () => {
    const point = ToolInputSchema.object()
      .withProperty('x', PropertySchema.number(), true)
      .withProperty('x', PropertySchema.integer(), true)
    const schema = new ToolInputSchema()
      .withProperty('at', point, true)
      .withProperty('raw', { anyOf: [{ type: 'null' }] })
      .withRequired(['at', 'raw'])
    expect(schema.toJSON()).toEqual({
      type: 'object',
      properties: {
        at: { type: 'object', properties: { x: { type: 'integer' } }, required: ['x'], additionalProperties: false },
        raw: { anyOf: [{ type: 'null' }] },
      },
      required: ['at', 'raw'],
      additionalProperties: false,
    })
  })

  it('keeps what it was made from and adds no limit to it', () => {
    const given = { type: 'object', properties: { a: {} }, required: ['a'], patternProperties: { '^x': {} } }
    expect(ToolInputSchema.from(given).withProperty('b', PropertySchema.boolean(), true).toJSON()).toEqual({
      ...given,
      properties: { a: {}, b: { type: 'boolean' } },
      required: ['a', 'b'],
    })
    expect(ToolInputSchema.from({}).withProperty('a', PropertySchema.string()).toJSON()).toEqual({
      properties: { a: { type: 'string' } },
    })
  })

  it('takes any property name, also those that objects have of their own', () => {
    const schema = new ToolInputSchema()
      .withProperty('__proto__', PropertySchema.string())
      .withProperty('constructor', PropertySchema.string())
    expect(JSON.stringify(schema)).toContain('"__proto__":{"type":"string"},"constructor":{"type":"string"}')
  })
})
