import { expect, test } from 'vitest'
import { idText, requestText } from './json-rpc.ts'

test.each([1, 0, -7, 2 ** 53 - 1, 1.5, 1e21, -0, 'a', '', '"\\\u2028'])('an id is written as JSON has it: %j', (id) => {
  expect(idText(id)).toBe(JSON.stringify(id))
})

test.each([
  ['tools/call', { name: 'a', arguments: { b: ['c', null, 'é"'] } }],
  ['tools/call', undefined],
  ['odd"\\method', {}],
])('a request is written as JSON has it: %s', (method, params) => {
  expect(requestText('"x"', method, params)).toBe(JSON.stringify({ jsonrpc: '2.0', id: 'x', method, params }))
})
