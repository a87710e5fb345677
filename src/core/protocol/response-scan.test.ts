import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject } from './json-rpc.ts'
import { ResponseScan, type ResponseEnding } from './response-scan.ts'

/** @param sizes of the pieces, in turn */
function scan(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): ResponseEnding | null {
  const scan = new ResponseScan()
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(sizes[turn % sizes.length] ?? 1, 1)
    scan.push(bytes.subarray(at, at + size))
    at += size
  }
  return scan.end()
}

const scanText = (text: string, sizes?: readonly number[]) => scan(Buffer.from(text), sizes)
const ofResult = (result: string) => `{"jsonrpc":"2.0","id":1,"result":${result}}`

/** What a parser finds. */
function parsed(text: string): ResponseEnding {
  const message: unknown = JSON.parse(text)
  const result = isJsonObject(message) ? message['result'] : undefined
  if (!isJsonObject(result)) return 'error'
  if (result['isError'] === true) return 'tool_error'
  return result['resultType'] === 'input_required' ? 'input_required' : 'ok'
}

const pieces = [[1], [2], [3, 1], [7], [64], [65, 1], [100_000]]

describe('ResponseScan', () => {
  it.each([
    ['ok', ofResult('{"content":[]}')],
    ['ok', ofResult('{}')],
    ['ok', ` \n{ "result" : { "isError" : false } }\r\n `],
    ['tool_error', ofResult('{"content":[{"type":"text","text":"no"}],"isError":true}')],
    ['tool_error', ofResult('{ "isError"\n:\ttrue , "content":[]}')],
    ['tool_error', ofResult('{"isError":true,"resultType":"input_required"}')],
    ['tool_error', ofResult(String.raw`{"\u0069sErr\u006fr":true}`)],
    ['input_required', ofResult('{"resultType":"input_required","inputRequests":{}}')],
    ['input_required', ofResult(String.raw`{"resultType":"input\u005frequired"}`)],
    ['error', '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}'],
    ['error', ofResult('[{"isError":false}]')],
    ['error', ofResult('null')],
    ['error', '{}'],
  ])('says %s of %s, in whatever pieces it comes', (ending, text) => {
    for (const sizes of pieces) expect([sizes, scanText(text, sizes)]).toEqual([sizes, ending])
  })

  it.each([
    ['in a text', ofResult(String.raw`{"content":[{"type":"text","text":"{\"isError\":true}"}]}`)],
    ['as a text', ofResult('{"a":"isError","b":true}')],
    ['as a text in an array', ofResult('{"content":["isError",true]}')],
    ['deeper in the result', ofResult('{"structuredContent":{"isError":true,"resultType":"input_required"}}')],
    ['in an array of the result', ofResult('{"content":[{"isError":true}]}')],
    ['beside the result', `{"isError":true,"result":{},"resultType":"input_required"}`],
    ['in another member', `{"extra":{"isError":true},"result":{},"more":{"isError":true}}`],
    ['as another value', ofResult('{"isError":"true","resultType":["input_required"]}')],
    ['as a longer key', ofResult(`{"isError${'x'.repeat(500)}":true}`)],
    ['an error beside a result', '{"result":{},"error":{"code":1,"message":"no"}}'],
  ])('is not misled by the word %s', (_where, text) => {
    for (const sizes of pieces) expect([sizes, scanText(text, sizes)]).toEqual([sizes, 'ok'])
  })

  it.each([
    ['tool_error', ofResult('{"isError":false,"isError":true}')],
    ['ok', ofResult('{"isError":true,"isError":false}')],
    ['ok', ofResult('{"resultType":"input_required","resultType":"complete"}')],
    ['ok', ofResult('{"resultType":"input_required","resultType":7}')],
    ['ok', '{"result":{"isError":true},"result":{}}'],
    ['tool_error', '{"result":{},"result":{"isError":true}}'],
    ['error', '{"result":{},"result":[]}'],
  ])('takes the last of two equal keys, as parsers do: %s of %s', (ending, text) => {
    expect(parsed(text)).toBe(ending)
    for (const sizes of pieces) expect([sizes, scanText(text, sizes)]).toEqual([sizes, ending])
  })

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['what is no object', '[1]'],
    ['a bare word', 'ok'],
    ['two messages', '{"result":{}}{}'],
    ['a brace too many', `${ofResult('{}')}}`],
    ['a brace too few', ofResult('{"content":[{"a":1]}')],
    ['a bracket too few', ofResult('{"content":[[1,2]}')],
    ['brackets that cross', ofResult('{"content":[{]}}')],
    ['a string without an end', ofResult('{"text":"}}')],
    ['a string whose end is escaped', ofResult(String.raw`{"text":"\"}}`)],
    ['an escape at the end', String.raw`{"result":{"text":"\\\\\\`],
    ['1,001 levels', ofResult('['.repeat(1_000) + ']'.repeat(1_000))],
  ])('does not take %s for a whole response', (_what, text) => {
    for (const sizes of pieces) expect([sizes, scanText(text, sizes)]).toEqual([sizes, null])
  })

  it('takes 1,000 levels', () => {
    expect(scanText(ofResult(`{"a":${'['.repeat(998)}${']'.repeat(998)}}`))).toBe('ok')
  })

  it('says at once that it is broken', () => {
    const scan = new ResponseScan()
    expect(scan.push(Buffer.from('{"result":{"content":[1,2'))).toBe(true)
    expect(scan.push(Buffer.from('}'))).toBe(false)
    expect(scan.push(Buffer.from(']}}'))).toBe(false)
  })

  it('finds the end of long texts, whatever stands before their closing quotes', () => {
    for (const slashes of [0, 2, 4]) {
      for (const length of [0, 1, 62, 63, 64, 65, 66, 200]) {
        const text = ofResult(`{"text":"${'x'.repeat(length)}${'\\'.repeat(slashes)}","isError":true}`)
        for (const sizes of pieces) expect([length, slashes, sizes, scanText(text, sizes)]).toContain('tool_error')
      }
    }
  })

  const word = fc.constantFrom(
    'isError',
    'error',
    'result',
    'resultType',
    'input_required',
    'id',
    '"',
    '\\',
    '\\"',
    'é😀',
  )
  const key = fc.oneof(word, fc.string({ maxLength: 8 }))
  const text = fc.oneof(word, fc.string({ unit: 'binary' }), fc.string({ minLength: 60, maxLength: 140 }))
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(text, fc.boolean(), fc.double({ noNaN: true }), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  })).value
  const result = fc.record(
    { isError: fc.oneof(fc.boolean(), json), resultType: fc.oneof(word, json), content: json, structuredContent: json },
    { requiredKeys: [] },
  )
  const message = fc.record(
    { jsonrpc: fc.constant('2.0'), result: fc.oneof(result, json), error: json, id: json },
    { requiredKeys: [] },
  )
  const response = fc
    .tuple(message, fc.constantFrom(undefined, 2))
    .map(([value, indent]) => JSON.stringify(value, undefined, indent))
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 })

  it('finds what a parser finds, in whatever pieces the response comes', () => {
    fc.assert(
      fc.property(response, sizes, (response, sizes) => {
        expect(scanText(response, sizes)).toBe(parsed(response))
      }),
      { numRuns: 500 },
    )
  })

  it('never takes a part of a response for the whole', () => {
    fc.assert(
      fc.property(
        response,
        sizes,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (response, sizes, share) => {
          const bytes = Buffer.from(response)
          expect(scan(bytes.subarray(0, Math.floor(bytes.length * share)), sizes)).toBeNull()
        },
      ),
      { numRuns: 300 },
    )
  })

  it('says the same of any bytes, in whatever pieces they come, and never of a message that a parser takes that it is broken', () => {
    const noise = fc.string({
      unit: fc.constantFrom(...'{}[]",:\\ te1'.split(''), '"result":', '"isError":', 'true'),
      maxLength: 60,
    })
    fc.assert(
      fc.property(noise, sizes, (noise, sizes) => {
        const text = `{"result":${noise}`
        const ending = scanText(text)
        expect(scanText(text, sizes)).toBe(ending)
        expect(isJson(text) ? ending : null).toBe(isJson(text) ? parsed(text) : null)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a string that is made to be slow', () => {
  const size = 4_000_000
  it.each([
    ['backslashes', '\\\\'.repeat(size / 2)],
    ['escaped quotes', String.raw`\"`.repeat(size / 2)],
    ['a backslash in each of many quotes', `${'\\\\'.repeat(100)}\\"`.repeat(size / 202)],
  ])('of %s is read in one go', (_what, text) => {
    const response = `{"result":{"isError":true,"text":"${text}","more":{"text":"${text}"}}}`
    const startedAt = performance.now()
    expect(scanText(response)).toBe('tool_error')
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  it.each([0, 1, 2, 63, 64, 65, 66, 127, 128, 129, 130])(
    'ends where a parser ends it, after %i backslashes',
    (count) => {
      for (const before of ['', 'x', 'x'.repeat(64), 'x'.repeat(65)]) {
        const response = `{"result":{"a":"${before}${'\\'.repeat(count)}","isError":true}}`
        const whole = count % 2 === 0 ? 'tool_error' : null
        expect([scanText(response), scanText(response, [1]), scanText(response, [67, 3])]).toEqual([
          whole,
          whole,
          whole,
        ])
      }
    },
  )
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
