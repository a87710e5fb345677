import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientConfigPaths, findClientConfigs } from './client-paths.ts'

describe('clientConfigPaths', () => {
  it.each([
    ['linux', '/home/me', '/home/me/.config/{Claude/claude_desktop_config.json,Code/User/mcp.json}'],
    [
      'darwin',
      '/Users/me',
      '/Users/me/Library/Application Support/{Claude/claude_desktop_config.json,Code/User/mcp.json}',
    ],
    [
      'win32',
      'C:\\Users\\me',
      'C:\\Users\\me\\AppData\\Roaming\\{Claude\\claude_desktop_config.json,Code\\User\\mcp.json}',
    ],
  ])('knows where clients keep their servers on %s', (platform, home, expected) => {
    const paths = clientConfigPaths(home, platform).map(({ path }) => path)
    const [start = '', rest = ''] = expected.split('{')
    expect(paths.slice(0, 2)).toEqual(
      rest
        .replace('}', '')
        .split(',')
        .map((end) => start + end),
    )
    expect(paths).toHaveLength(5)
  })
})

describe('findClientConfigs', () => {
  it('finds those that exist', () => {
    const home = mkdtempSync(join(tmpdir(), 'toolgate-home-'))
    try {
      expect(findClientConfigs(home, 'linux')).toEqual([])
      for (const path of [join(home, '.claude.json'), join(home, '.cursor', 'mcp.json')]) {
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, '{}')
      }
      expect(findClientConfigs(home, 'linux')).toEqual([
        { client: 'Claude Code', path: join(home, '.claude.json') },
        { client: 'Cursor', path: join(home, '.cursor', 'mcp.json') },
      ])
    } finally {
      rmSync(home, { recursive: true })
    }
  })
})
