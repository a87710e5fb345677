import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseOpenAIToolCall, toAnthropicToolResult, toOpenAIFunction, toOpenAIToolMessage } from './convert.ts'
import { ValidationError } from './errors.ts'

describe('toOpenAIFunction', () => {
  it('gives a schema without properties empty ones, which the API asks for', () => {
    expect(toOpenAIFunction({ name: 'a', inputSchema: { type: 'object' } }).function.parameters).toEqual({
      type: 'object',
      properties: {},
    })
  })
})

describe('parseOpenAIToolCall', () => {
  const call = (text: unknown) => ({
    id: 'call_1',
    type: 'function',
    function: { name: 'mcp_fs__read', arguments: text },
  })

  function faultsOf(value: unknown): readonly string[] {
    try {
      parseOpenAIToolCall(value)
    } catch (error) {
      if (error instanceof ValidationError) return error.errors
    }
    throw new Error('no ValidationError was thrown')
  }

  it('reads the arguments out of their string', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
        const expected: unknown = JSON.parse(JSON.stringify(args))
        expect(parseOpenAIToolCall(call(JSON.stringify(args)))).toEqual({
          id: 'call_1',
          name: 'mcp_fs__read',
          arguments: expected,
        })
      }),
    )
  })

  it.each(['', ' \n'])('takes %j for no arguments', (text) => {
    expect(parseOpenAIToolCall(call(text)).arguments).toEqual({})
  })

  it.each([
    ['{"a":', 'function.arguments: must be valid JSON'],
    ['null', 'function.arguments: must be a JSON object'],
    ['[1]', 'function.arguments: must be a JSON object'],
    ['"x"', 'function.arguments: must be a JSON object'],
    [{ a: 1 }, 'function.arguments: must be a string'],
    [undefined, 'function.arguments: must be a string'],
    ['x'.repeat(4_194_305), 'function.arguments: must have at most 4194304 characters'],
  ])('refuses arguments that are no JSON object', (text, fault) => {
    expect(faultsOf(call(text))).toEqual([fault])
  })

  it('names the tool whose call is wrong, and every fault', () => {
    expect(() => parseOpenAIToolCall(call('{'))).toThrow(
      expect.objectContaining({ tool: 'mcp_fs__read', httpStatus: 422 }),
    )
    const every = ['id: must be a string', 'function.name: must be a string', 'function.arguments: must be a string']
    for (const value of [null, {}, [], 'x', { id: 1, function: [] }, { function: { name: 1, arguments: 1 } }]) {
      expect(faultsOf(value)).toEqual(every)
    }
  })
})

const mixed = {
  content: [
    { type: 'text', text: 'one' },
    { type: 'text', text: '' },
    { type: 'image', data: 'aGk=', mimeType: 'image/png' },
    { type: 'image', data: 'aGk=', mimeType: 'image/svg+xml' },
    { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
    { type: 'resource', resource: { uri: 'file:///a', text: 'inside' } },
    { type: 'resource', resource: { uri: 'file:///b', blob: 'aGk=', mimeType: 'application/pdf' } },
    { type: 'resource_link', uri: 'file:///c', name: 'c' },
    { type: 'hologram', depth: 3 },
  ],
}

describe('toOpenAIToolMessage', () => {
  it('writes text, and names what is not text', () => {
    expect(toOpenAIToolMessage('call_1', mixed)).toEqual({
      role: 'tool',
      tool_call_id: 'call_1',
      content: [
        'one',
        '',
        '[image image/png]',
        '[image image/svg+xml]',
        '[audio audio/wav]',
        'inside',
        '[resource file:///b application/pdf]',
        'file:///c',
        '[hologram]',
      ].join('\n'),
    })
  })

  it.each([
    [{ content: [], structuredContent: { n: 1 } }, '{"n":1}'],
    [{ content: [{ type: 'text', text: 'shown' }], structuredContent: { n: 1 } }, 'shown'],
    [{ content: [] }, 'The tool gave no output.'],
    [{ isError: true }, 'The tool failed and gave no reason.'],
    [{ content: [{ type: 'text', text: 'no such file' }], isError: true }, 'no such file'],
    [{ content: 'garbage' }, 'The tool gave no output.'],
  ])('always says something: %j', (result, content) => {
    expect(toOpenAIToolMessage('c', result).content).toBe(content)
  })
})

describe('toAnthropicToolResult', () => {
  it('writes text and images that the API takes, and names the rest', () => {
    const text = (words: string) => ({ type: 'text', text: words })
    expect(toAnthropicToolResult('toolu_1', mixed)).toEqual({
      type: 'tool_result',
      tool_use_id: 'toolu_1',
      content: [
        text('one'),
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
        text('[image image/svg+xml]'),
        text('[audio audio/wav]'),
        text('inside'),
        text('[resource file:///b application/pdf]'),
        text('file:///c'),
        text('[hologram]'),
      ],
    })
  })

  it('marks a failure, and always says something', () => {
    expect(toAnthropicToolResult('t', { content: [{ type: 'text', text: '' }], isError: true })).toEqual({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'text', text: 'The tool failed and gave no reason.' }],
      is_error: true,
    })
    expect(toAnthropicToolResult('t', { content: [], structuredContent: [1] }).content).toEqual([
      { type: 'text', text: '[1]' },
    ])
  })
})
