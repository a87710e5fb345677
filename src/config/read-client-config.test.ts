import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readClientConfig } from './read-client-config.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-client-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, 'client.json')
  writeFileSync(path, text)
  return path
}

describe('readClientConfig', () => {
  it.each([
    ['{"a": "// no comment, }"}', { a: '// no comment, }' }],
    ['\uFEFF{"a": 1}', { a: 1 }],
    ['// one\n{ "a": /* two, */ [1, 2,], "b": "\\"/*", }', { a: [1, 2], b: '"/*' }],
  ])('reads %j', (text, expected) => {
    expect(readClientConfig(file(text))).toEqual(expected)
  })

  it('says that a file is not JSON, and nothing of what is in it', () => {
    const path = file('{ "token": "very secret"')
    expect(() => readClientConfig(path)).toThrow(`The configuration is not valid:\n  ${path}: is not JSON`)
  })

  it.each([
    ['none.json', 'there is no such file'],
    ['', 'cannot be read'],
  ])('says why %j cannot be read', (name, words) => {
    expect(() => readClientConfig(join(folder, name))).toThrow(words)
  })
})
