import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { addServers, serversYaml } from './add-servers.ts'
import { loadConfig } from './load.ts'

const one = { one: { command: 'node', args: ['-e', '1 # no comment'], env: { A: '${A}' } } }
const two = { two: { url: 'https://b.example/mcp', headers: { 'x-a': 'yes' } } }
const both = { ...one, ...two }

/** The lines of `after` that are not in `before`, in order; fails when a line of `before` is gone. */
function addedLines(before: string, after: string): string[] {
  const left = after.split('\n')
  const at = before.split('\n').map((line) => {
    const index = left.indexOf(line)
    expect(index, `the line ${JSON.stringify(line)} is still there`).not.toBe(-1)
    return left.splice(index, 1)
  })
  expect(at.length).toBeGreaterThan(0)
  return left
}

describe('addServers', () => {
  it('makes a document of nothing', () => {
    const { text, added, kept } = addServers('', both, 'f')
    expect(parse(text)).toEqual({ servers: both })
    expect({ added, kept }).toEqual({ added: ['one', 'two'], kept: [] })
    expect(text).toBe(serversYaml(both))
  })

  it('changes no line of the annotated example', () => {
    const before = readFileSync(new URL('../../docs/examples/toolgate.yaml', import.meta.url), 'utf8')
    const { text } = addServers(before, both, 'f')
    expect(addedLines(before, text)[0]).toBe('  one:')
    expect(parse(text)).toEqual({ ...parse(before), servers: { ...parse(before).servers, ...both } })
  })

  it.each([
    ['indented by four', 'servers:\n    a:\n        command: x # why\n\n# the end\n'],
    ['indented by nothing', 'servers:\n a: { command: x }\nlisten: { port: 1 }\n'],
    ['without a last line break', 'servers:\n  a:\n    command: x'],
    ['without servers', '# my gateway\nlisten:\n  port: 1 # free\n'],
    ['of comments', '# nothing yet\n'],
    ['with Windows line ends', 'servers:\r\n  a:\r\n    command: x\r\n'],
    ['with an empty section', 'servers: # soon\nlisten: { port: 1 }\n'],
    ['with a section of comments', 'servers:\n  # a:\n  #   command: x\nlisten: { port: 1 }\n'],
    ['that ends with its empty section', 'listen: { port: 1 }\nservers:'],
    ['with an empty map', 'servers: {}\nlisten: { port: 1 } # one\n'],
    ['in flow style', '{ servers: { a: { command: x } }, listen: { port: 1 } }\n'],
    ['with anchors', 'servers:\n  a: &a { command: x }\n  b: *a\n'],
    ['that ends with a marker', 'servers:\n  a: { command: x }\n...\n'],
  ])('adds to a document %s, and keeps its comments', (_what, before) => {
    const { text } = addServers(before, both, 'f')
    const servers = (parse(before) ?? {}).servers ?? {}
    expect(parse(text)).toEqual({ ...parse(before), servers: { ...servers, ...both } })
    for (const comment of before.match(/# .*/g) ?? []) expect(text).toContain(comment.trim())
    expect(loadConfig({ path: null, text, env: { A: 'a' } }).servers.length).toBeGreaterThanOrEqual(2)
  })

  it('never touches a server that is there', () => {
    const before = 'servers:\n  one: { command: mine }\n'
    expect(addServers(before, one, 'f')).toEqual({ text: before, added: [], kept: ['one'] })
    const { text, added, kept } = addServers(before, both, 'f')
    expect(parse(text).servers).toEqual({ one: { command: 'mine' }, ...two })
    expect({ added, kept }).toEqual({ added: ['two'], kept: ['one'] })
  })

  it.each([
    ['a: [', 'is not valid YAML'],
    ['- a', 'is not a map'],
    ['servers: [a]', '"servers" is not a map'],
  ])('refuses %j', (text, words) => {
    expect(() => addServers(text, one, 'toolgate.yaml')).toThrow(`toolgate.yaml: ${words}`)
  })
})
