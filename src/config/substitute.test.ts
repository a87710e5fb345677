import { describe, expect, it } from 'vitest'
import { substitute } from './substitute.ts'

const env = { HOST: 'example.com', EMPTY: '', NESTED: '${HOST}', ESCAPE: '$${HOST}', A1: 'x' }

describe('substitute', () => {
  it.each([
    ['plain', 'plain'],
    ['https://${HOST}/mcp', 'https://example.com/mcp'],
    ['${HOST}${HOST}', 'example.comexample.com'],
    ['[${EMPTY}]', '[]'],
    ['$HOST', '$HOST'],
    ['$ {HOST}', '$ {HOST}'],
    ['100$', '100$'],
    ['$${HOST}', '${HOST}'],
    ['$${', '${'],
    ['$${A1}${A1}', '${A1}x'],
    ['$${${A1}}', '${x}'],
    ['a}b{c', 'a}b{c'],
  ])('turns %j into %j', (source, text) => {
    expect(substitute(source, env)).toMatchObject({ text, faults: [] })
  })

  it('does not look again at what it put in', () => {
    expect(substitute('${NESTED} ${ESCAPE}', env)).toEqual({
      text: '${HOST} $${HOST}',
      variables: ['NESTED', 'ESCAPE'],
      faults: [],
    })
  })

  it.each([
    '${',
    '${}',
    '${A-B}',
    '${1A}',
    '${A B}',
    '${HOST',
    '${HOST:-x}',
    '${ HOST }',
    '${é}',
    `\${${'A'.repeat(129)}}`,
  ])('finds %j malformed and quotes nothing of it', (source) => {
    const { faults } = substitute(source, env)
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toBe(
      '"${" must be followed by the name of an environment variable and "}"; write "$${" for a plain "${"',
    )
  })

  it.each(['NOPE', 'constructor', '__proto__', 'toString', 'host'])('finds %s not set', (name) => {
    expect(substitute(`\${${name}}`, env).faults).toEqual([
      { nth: 0, message: `the environment variable ${name} is not set` },
    ])
  })

  it('counts every "${" so that a fault can be found in the text', () => {
    expect(substitute('${HOST} $${ ${NOPE} ${', env).faults.map(({ nth }) => nth)).toEqual([2, 3])
  })
})
