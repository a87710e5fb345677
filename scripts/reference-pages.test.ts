import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorCatalogue } from '#contract/errors.ts'
import { referenceRules } from '#core/resources/references.ts'
import { referencePages } from './reference-pages.ts'

const folder = new URL('../docs/reference/', import.meta.url)
const pages = Object.entries(referencePages())

describe('docs/reference', () => {
  it.each(pages)('%s is what the code says', (name, text) => {
    expect(readFileSync(new URL(name, folder), 'utf8') === text, `${name} is out of date. Run: npm run docs`).toBe(true)
  })

  it('has no page that the code does not write', () => {
    // Written from measurements, by `npm run bench` and `npm run conformance` with `--write-docs`.
    const measured = ['bench.md', 'conformance.md']
    expect(readdirSync(folder).toSorted()).toEqual([...pages.map(([name]) => name), ...measured].toSorted())
  })

  it('has a row for each failure, with all that the catalogue says of it', () => {
    const page = referencePages()['errors.md'] ?? ''
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    expect(rows).toHaveLength(Object.keys(errorCatalogue).length)
    expect(rows).toContain(
      '| `upstream_timeout` | 504 | −32008 | upstream | yes | The server behind the gateway did not answer in time. |',
    )
  })

  it('says of every reference what a delete does to it', () => {
    const rows = (referencePages()['deletes.md'] ?? '').split('\n').filter((line) => line.startsWith('| '))
    expect(rows).toHaveLength(referenceRules.length + 2)
    expect(rows).toContain(
      '| policy | token, `policies` | **refused** (`still_referenced`) | its owner’s wider grant would take their place |',
    )
    expect(rows).toContain('| user | team, `members.user` | taken out of the list | a member that is gone |')
  })

  it('has a row with a meaning for every key, also within unions, lists and maps', () => {
    const rows = (referencePages()['config.md'] ?? '').split('\n').filter((line) => line.startsWith('| `'))
    expect(rows.length).toBeGreaterThan(50)
    expect(rows.filter((row) => !/^\| `[^`]+` \| [^|]+ \| [^|]+ \| (?:[^|]|\\\|)+ \|$/.test(row))).toEqual([])
    for (const start of [
      '| `servers.{name}.credential.header` | text | `x-api-key` | For `api_key`:',
      '| `tokens[].name` | text | required |',
      '| `policies.{name}.rules[].level` | `deny`, `read`, `execute`, `admin` | required |',
      '| `listen.port` | integer, 0 to 65535 | `4180` |',
    ])
      expect(rows.filter((row) => row.startsWith(start))).toHaveLength(1)
  })

  it('shows every command but the hidden one, and every exit code', () => {
    const text = referencePages()['cli.md'] ?? ''
    const commands = text.match(/^## `.*`$/gm)
    expect(commands).toEqual(
      [
        'serve',
        'config check',
        'config explain',
        'config import',
        'token create',
        'vault status',
        'vault rotate',
        'vault forget',
        'bridge',
        'session-shim',
      ].map((name) => `## \`toolgate ${name}\``),
    )
    expect(text.match(/^\| \d+ \|/gm)).toEqual(['| 0 |', '| 1 |', '| 2 |', '| 69 |', '| 78 |'])
    expect(text).not.toContain('demo-server')
  })

  it('is the same wherever it is written', () => {
    process.env['TOOLGATE_URL'] = 'http://elsewhere.example/mcp'
    expect(referencePages()).toEqual(Object.fromEntries(pages))
    delete process.env['TOOLGATE_URL']
  })
})
