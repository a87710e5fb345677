import { describe, expect, it } from 'vitest'
import { ConfigurationError } from './errors.ts'
import { textHash } from './text-hash.ts'
import { looksShortened, ModelTools, readPlainName } from './model-tools.ts'
import { Tool } from './tool.ts'

const tools = (...names: string[]): Tool[] => names.map((name) => new Tool(name))
const long = 'a-tool-whose-name-is-far-longer-than-any-model-takes-'.repeat(2)

describe('ModelTools', () => {
  it('names tools so that each is found again, whatever it is called', () => {
    const all = new Map([
      ['files', tools('read', 'read__all', 'read.some', long)],
      ['web', tools('read', 'grüßen')],
    ])
    const modelTools = new ModelTools()
    const named = modelTools.name(all)
    expect(named[0]?.name).toBe('mcp_files__read')
    for (const { name } of named) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    const found = named.map(({ name }) => modelTools.findNamed(name))
    expect(found).toEqual([...all].flatMap(([server, own]) => own.map((tool) => ({ server, tool: tool.name }))))
  })

  it('knows no name that it did not give last', () => {
    const modelTools = new ModelTools()
    modelTools.name(new Map([['files', tools('read')]]))
    modelTools.name(new Map([['web', tools('get')]]))
    expect(modelTools.findNamed('mcp_files__read')).toBeNull()
    expect(modelTools.findNamed('mcp_web__get')).toEqual({ server: 'web', tool: 'get' })
  })

  it('leaves out a server whose own tools would share a name, and keeps the others', () => {
    // A name that is already what another one is shortened to.
    const suffix = textHash(JSON.stringify(['bad', 'read.some'])).slice(0, 10)
    const named = new ModelTools().name(
      new Map([
        ['bad', tools('read.some', `read_some_${suffix}`)],
        ['good', tools('read')],
      ]),
    )
    expect(named.map(({ name }) => name)).toEqual(['mcp_good__read'])
  })

  it('refuses servers whose names make two tools one', () => {
    const all = new Map([
      ['a', tools('_x')],
      ['a_', tools('x')],
    ])
    expect(() => new ModelTools().name(all)).toThrow(ConfigurationError)
  })
})

describe('readPlainName', () => {
  it('reads server and tool at the first double underscore', () => {
    expect(readPlainName('mcp_files__read__all')).toEqual({ server: 'files', tool: 'read__all' })
  })

  it('reads nothing else', () => {
    for (const name of ['files__read', 'mcp_files', 'mcp___read', 'mcp_files__read.some', 'mcp_files__', '']) {
      expect(readPlainName(name)).toBeNull()
    }
  })
})

describe('looksShortened', () => {
  it('sees every short form', () => {
    const named = new ModelTools().name(new Map([['files', tools(long, 'grüßen')]]))
    expect(named.map(({ name }) => looksShortened(name))).toEqual([true, true])
    expect(looksShortened('mcp_files__read')).toBe(false)
  })
})
