import { describe, expect, it } from 'vitest'
import { addressKey, parseAddress } from './address.ts'

const keyOf = (path: string): string | null => {
  const address = parseAddress(path)
  return address && addressKey(address)
}

describe('addressKey', () => {
  it.each([
    ['/mcp', ['/mcp/', '/sse', '/ws', '/messages', '/mcp/sse', '/mcp/ws/']],
    ['/mcp/files', ['/files/mcp', '/files/mcp/', '/mcp/fil%65s', '/mcp/files,', '/files/mcp/sse', '/mcp/files,files']],
    ['/mcp/a,b', ['/b,a/mcp', '/mcp/ a , b', '/mcp/b,%20a', '/a,b,a/mcp/ws']],
    ['/projects/a/mcp', ['/projects/a/mcp/sse', '/projects/%61/mcp/ws']],
    ['/toolset/a/mcp', ['/toolset/a/mcp/', '/toolset/a/mcp/messages']],
  ])('is the same for %s and for what means the same', (path, others) => {
    expect(keyOf(path)).not.toBeNull()
    for (const other of others) expect([other, keyOf(other)]).toEqual([other, keyOf(path)])
  })

  it('differs for what means something else', () => {
    const paths = [
      '/mcp',
      '/mcp/a',
      '/mcp/b',
      '/mcp/a,b',
      '/mcp/*',
      '/mcp/,',
      '/mcp/ab',
      '/mcp/A',
      '/mcp/project%20a',
      '/projects/a/mcp',
      '/projects/b/mcp',
      '/projects/a,b/mcp',
      '/projects/b,a/mcp',
      '/toolset/a/mcp',
    ]
    const keys = paths.map((path) => keyOf(path))
    expect(new Set(keys).size).toBe(paths.length)
  })
})
