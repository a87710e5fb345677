import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'

function complaints(text: string): string[] {
  try {
    loadConfig({ path: 'toolgate.yaml', text, env: {} })
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`)
    throw error
  }
  return []
}

const naming = (server: string): string => `
secrets: { lines: "canary\\nof two lines", line: abc, dotted.one: "c\\nd" }
servers:
  a: { ${server} }
`

describe('a secret that does not fit where it is named', () => {
  it.each([
    ['url: "http://x", credential: { kind: bearer, token: { secretRef: lines } }', 'credential.token', '"lines"'],
    ['url: "http://x", headers: { x.y: { secretRef: lines } }', 'headers["x.y"]', '"lines"'],
    ['url: "http://x", headers: { x: { secretRef: dotted.one } }', 'headers.x', '"dotted.one"'],
  ])('%s', (server, path, name) => {
    expect(complaints(naming(server))).toEqual([
      `4 servers.a.${path}: the secret ${name} must be a single line of printable characters`,
    ])
  })

  it('is told beside what else is wrong with the server', () => {
    const found = complaints(naming('url: "http://x", headrs: {}, headers: { x: { secretRef: lines } }'))
    expect(found).toHaveLength(2)
    expect(found.join()).toContain('the secret "lines" must be')
  })
})

it.each([
  ['fits', 'url: "http://x", credential: { kind: bearer, token: { secretRef: line } }'],
  ['is kept elsewhere', 'url: "http://x", credential: { kind: bearer, token: { secretRef: stored } }'],
  ['has two lines, where a program gets it', 'command: x, env: { A: { secretRef: lines } }'],
])('a secret that %s is no fault', (_, server) => {
  expect(complaints(naming(server))).toEqual([])
})

describe('a word that is close to one that is known', () => {
  it.each([
    ['kind: baerer, token: x', 'credential.kind', 'did you mean "bearer"?'],
    ['kind: bearer, owner: usr', 'credential.owner', 'did you mean "user"?'],
    ['kind: bearer, token: { secretref: k }', 'credential.token.secretref', 'did you mean "secretRef"?'],
  ])('%s', (credential, path, hint) => {
    const found = complaints(naming(`url: "http://x", credential: { ${credential} }`))
    expect(found.find((line) => line.startsWith(`4 servers.a.${path}: `))).toContain(hint)
  })
})

it.each(['Bearer x', 'bearer x'])('a token is not the whole header: %s', (token) => {
  expect(complaints(naming(`url: "http://x", credential: { kind: bearer, token: "${token}" }`))).toEqual([
    '4 servers.a.credential.token: must be the token alone: "Bearer" is put before it',
  ])
})
