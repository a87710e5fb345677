import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { configReference } from './reference.ts'

const page = new URL('../../docs/reference/config.md', import.meta.url)

describe('configReference', () => {
  it('is what docs/reference/config.md holds', () => {
    expect(readFileSync(page, 'utf8') === configReference(), 'The page is out of date. Run: npm run docs').toBe(true)
  })

  it('has a row with a meaning for every key', () => {
    const rows = configReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows.length).toBeGreaterThan(50)
    expect(rows.filter((row) => !/^\| `[^`]+` \| [^|]+ \| [^|]+ \| (?:[^|]|\\\|)+ \|$/.test(row))).toEqual([])
  })

  it('reaches into unions, lists and maps', () => {
    const text = configReference()
    expect(text).toContain('| `servers.{name}.credential.header` | text | `x-api-key` | For `api_key`:')
    expect(text).toContain('| `tokens[].name` | text | required |')
    expect(text).toContain('| `policies.{name}.rules[].level` | `deny`, `read`, `execute`, `admin` | required |')
    expect(text).toContain('| `listen.port` | integer, 0 to 65535 | `4180` |')
  })
})
