import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigurationError, ServerAlreadyExistsError, ServerNotFoundError } from './errors.ts'
import { ServerBook } from './server-book.ts'
import { McpServerConfig } from './server-config.ts'

const serverOf = (name: string) => new McpServerConfig(name, 'http://127.0.0.1:9/mcp').toServer()

let book: ServerBook

beforeEach(() => {
  book = new ServerBook()
  book.add(serverOf('filesystem'))
  book.addAlias('fs', 'filesystem')
})

describe('ServerBook', () => {
  it('finds a server by its name and by its aliases', () => {
    expect(book.get('filesystem').name).toBe('filesystem')
    expect(book.get('fs').name).toBe('filesystem')
    expect(book.aliasesOf('filesystem')).toEqual(['fs'])
    expect(() => book.get('Filesystem')).toThrow(ServerNotFoundError)
    expect(() => book.get('')).toThrow(ServerNotFoundError)
  })

  it('refuses a name that means something already, be it as an alias', () => {
    expect(() => book.add(serverOf('filesystem'))).toThrow(ServerAlreadyExistsError)
    expect(() => book.add(serverOf('fs'))).toThrow(ServerAlreadyExistsError)
    expect(book.servers).toHaveLength(1)
  })

  it('refuses an alias that means something already, and none of what a server is called', () => {
    book.add(serverOf('database'))
    expect(() => book.addAlias('database', 'filesystem')).toThrow(ServerAlreadyExistsError)
    expect(() => book.addAlias('fs', 'database')).toThrow(ServerAlreadyExistsError)
    expect(book.get('database').name).toBe('database')
    expect(book.get('fs').name).toBe('filesystem')
  })

  it('takes the same alias for the same server twice', () => {
    book.addAlias('fs', 'filesystem')
    expect(book.aliasesOf('filesystem')).toEqual(['fs'])
  })

  it('gives an alias of an alias to the server itself', () => {
    book.addAlias('disk', 'fs')
    expect(book.get('disk').name).toBe('filesystem')
  })

  it('refuses an alias for nothing, and one that could be no name', () => {
    expect(() => book.addAlias('db', 'database')).toThrow(ServerNotFoundError)
    for (const alias of ['', 'a__b', 'Upper', 'mcp', 'with space']) {
      expect(() => book.addAlias(alias, 'filesystem')).toThrow(ConfigurationError)
    }
  })

  it('forgets a server with its aliases, by any of its names', () => {
    book.addAlias('disk', 'filesystem')
    expect(book.remove('fs').name).toBe('filesystem')
    for (const name of ['filesystem', 'fs', 'disk']) expect(book.has(name)).toBe(false)
    expect(() => book.remove('filesystem')).toThrow(ServerNotFoundError)
  })
})
