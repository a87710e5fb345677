import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArgumentPath, parseArgumentPath } from './argument-path.ts'

describe('parseArgumentPath', () => {
  it.each<[string, (string | number)[]]>([
    ['$.path', ['path']],
    ['$.a.b[0]', ['a', 'b', 0]],
    ['$[3].x', [3, 'x']],
    ['$.user-id.$ref.ünï', ['user-id', '$ref', 'ünï']],
    ["$['odd name'].x", ['odd name', 'x']],
    ["$['a.b[0]*\"']", ['a.b[0]*"']],
    ['$.__proto__', ['__proto__']],
  ])('reads %s', (path, steps) => {
    expect(parseArgumentPath(path)).toEqual(steps)
    expect(ArgumentPath.safeParse(path).success).toBe(true)
  })

  it.each([
    '',
    '$',
    'path',
    '.path',
    '$path',
    '$.',
    '$..a',
    '$.a.',
    '$.a b',
    '$.*',
    '$[*]',
    '$[-1]',
    '$[1.5]',
    '$[0:2]',
    '$[12345]',
    '$["a"]',
    "$['']",
    "$['a'",
    "$['a\nb']",
    '$.a[?(@.b)]',
    '$.a@',
    ' $.a',
    '$.a\n',
    `$${'.a'.repeat(17)}`,
    `$.${'a'.repeat(129)}`,
  ])('refuses %j', (path) => {
    expect(parseArgumentPath(path)).toBeNull()
    expect(ArgumentPath.safeParse(path).success).toBe(false)
  })

  it('reads back any steps, and is not confused by what it read before', () => {
    const step = fc.oneof(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,9}$/), fc.nat(9_999))
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 16 }), fc.string(), (steps, noise) => {
        const path = `$${steps.map((one) => (typeof one === 'number' ? `[${one}]` : `.${one}`)).join('')}`
        parseArgumentPath(`$.a${noise}`)
        expect(parseArgumentPath(path)).toEqual(steps)
      }),
    )
  })
})
