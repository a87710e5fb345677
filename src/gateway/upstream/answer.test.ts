import { describe, expect, it } from 'vitest'
import {
  endingOfAnswer,
  endingOfText,
  parseMessage,
  rawText,
  readResponse,
  responseText,
  toRawAnswer,
} from './answer.ts'

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const response = (id: unknown, result: object = { content: [{ type: 'text', text: 'Grüße 🌍' }] }) => ({
  result,
  jsonrpc: '2.0',
  id,
})

describe('toRawAnswer', () => {
  it('is the body, byte for byte, where the ids are the same', () => {
    const body = bytes(response('c-1'))
    const answer = toRawAnswer(body, { upstream: '"c-1"', caller: '"c-1"' })
    expect(answer && Buffer.from(answer.raw, answer.encoding)).toEqual(body)
    expect(answer && rawText(answer)).toBe(body.toString())
  })

  it('is the body with the caller’s id in the place of ours', () => {
    const answer = toRawAnswer(bytes(response(17)), { upstream: '17', caller: '"a client’s"'.replace('’', '') })
    expect(answer && JSON.parse(rawText(answer))).toEqual(response('a clients'))
  })

  it('is left to the parser where the caller’s id is no plain text, or the body is not the response', () => {
    expect(toRawAnswer(bytes(response(17)), { upstream: '17', caller: '"ü"' })).toBeNull()
    expect(toRawAnswer(bytes(response(18)), { upstream: '17', caller: '1' })).toBeNull()
    expect(toRawAnswer(bytes('<html>'), { upstream: '17', caller: '1' })).toBeNull()
    expect(toRawAnswer(bytes(''), { upstream: '17', caller: '1' })).toBeNull()
  })

  it.each([
    [{ content: [] }, 'ok'],
    [{ content: [], isError: true }, 'tool_error'],
    [{ content: [], isError: false }, 'ok'],
    [{ resultType: 'input_required' }, 'input_required'],
    [{ content: [{ type: 'text', text: 'isError: true, "error":' }] }, 'ok'],
    [{ structuredContent: { isError: true, error: 'x' } }, 'ok'],
  ])('knows how %j ended: %s', (result, ending) => {
    expect(toRawAnswer(bytes(response(1, result)), { upstream: '1', caller: '2' })?.ending).toBe(ending)
  })
})

describe('endingOfText', () => {
  const large = 'x'.repeat(70_000)

  it.each([
    ['error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } }],
    ['error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: large } }],
    ['tool_error', response(1, { text: large, isError: true })],
    ['input_required', response(1, { text: large, resultType: 'input_required' })],
    ['ok', response(1, { text: large, structuredContent: { isError: true, error: 'x' } })],
    ['ok', response(1, { text: `${large}"isError":true, "error": ü` })],
  ])('knows how a response ended, however large it is: %s', (ending, message) => {
    expect(endingOfText(JSON.stringify(message))).toBe(ending)
  })

  it('takes no response for a good one that is broken where it speaks of an error', () => {
    expect(endingOfText('{"jsonrpc":"2.0","id":1,"result":{"isError":true}')).toBe('error')
  })
})

describe('endingOfAnswer', () => {
  it('says how an answer of any form ended', () => {
    expect(endingOfAnswer({ result: {} })).toBe('ok')
    expect(endingOfAnswer({ error: { code: 1, message: '' } })).toBe('error')
    expect(endingOfAnswer({ streamed: true, ending: 'ok' })).toBe('ok')
  })
})

describe('responseText', () => {
  it('is the whole response, of whatever form the answer is', () => {
    const raw = toRawAnswer(bytes(response(17)), { upstream: '17', caller: '3' })
    expect(raw && JSON.parse(responseText(3, raw) ?? '')).toEqual(response(3))
    expect(responseText(3, { result: { a: 1 } })).toBe('{"jsonrpc":"2.0","id":3,"result":{"a":1}}')
    expect(responseText(3, { streamed: true, ending: 'ok' })).toBeNull()
  })
})

describe('readResponse', () => {
  it('gives the outcome of the response to the request', () => {
    expect(readResponse(JSON.stringify(response(1, { a: 1 })), 1)).toEqual({ result: { a: 1 } })
  })

  it('takes an error without an id: the server could not read the request', () => {
    const text = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}'
    expect(readResponse(text, 1)).toEqual({ error: { code: -32700, message: 'no' } })
  })

  it.each(['', 'null', '[]', '{"jsonrpc":"2.0","id":2,"result":{}}', '{"jsonrpc":"2.0","id":"1","result":{}}'])(
    'refuses %j',
    (text) => {
      expect(() => readResponse(text, 1)).toThrow(expect.objectContaining({ code: 'upstream_protocol' }))
    },
  )
})

describe('parseMessage', () => {
  it('gives objects only, and none that nests without end', () => {
    expect(parseMessage('{"a":1}')).toEqual({ a: 1 })
    for (const text of ['[1]', '1', '"x"', 'null', '{', '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000)]) {
      expect(parseMessage(text)).toBeNull()
    }
  })
})
