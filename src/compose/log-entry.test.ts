import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { formatLogEntry } from './log-entry.ts'

const time = new Date(2026, 0, 2, 9, 5, 7).getTime()
const plain = { hasColors: false }
const format = (entry: Record<string, unknown>): string =>
  formatLogEntry({ level: 40, time, pid: 1, hostname: 'here', msg: 'a server fails', ...entry }, plain)

describe('formatLogEntry', () => {
  it('says when, how bad, what, and what else is known, in one line', () => {
    expect(format({ server: 'files', code: 'upstream_closed', lost: 3 })).toBe(
      '09:05:07 warn  a server fails  server=files code=upstream_closed lost=3\n',
    )
  })

  it.each<[number, string]>([
    [30, 'info '],
    [40, 'warn '],
    [50, 'error'],
    [60, 'fatal'],
    [35, '35   '],
  ])('calls level %i %j', (level, word) => {
    expect(format({ level })).toBe(`09:05:07 ${word} a server fails\n`)
  })

  it('flattens what has parts, quotes what has spaces, and leaves out what is empty', () => {
    expect(format({ details: { reason: 'not started', at: { port: 1 } }, changed: ['limits', 'naming'] })).toBe(
      '09:05:07 warn  a server fails  details.reason="not started" details.at.port=1 changed=limits,naming\n',
    )
    expect(format({ details: {}, stderr: '', restartMs: null, changed: [] })).toBe('09:05:07 warn  a server fails\n')
  })

  it('puts a text of several lines below, one line each', () => {
    const problem = 'The configuration has 2 problems:\n  a.yaml:1:2: listen.port: is odd\n  a.yaml:3:4: x: is odd'
    expect(format({ problem, server: 'files' })).toBe(
      [
        '09:05:07 warn  a server fails  server=files',
        '    The configuration has 2 problems:',
        '      a.yaml:1:2: listen.port: is odd',
        '      a.yaml:3:4: x: is odd',
        '',
      ].join('\n'),
    )
  })

  it('shows an error by its stack, which has its name and its words', () => {
    const err = { name: 'TypeError', message: 'x', stack: 'TypeError: x\n    at y (z.ts:1:2)' }
    expect(format({ err })).toBe('09:05:07 warn  a server fails\n    TypeError: x\n        at y (z.ts:1:2)\n')
    expect(format({ err: { name: 'string', message: 'not an error' } })).toBe(
      '09:05:07 warn  a server fails  err.name=string err.message="not an error"\n',
    )
  })

  it.each(['\u001B[2J', '\u009B31m', 'a\rb', '\u202Ecod.exe', '\u0007'])(
    'lets nothing of %j command the terminal',
    (words) => {
      const text = format({ stderr: words, details: { [words]: 1 }, problem: `${words}\n${words}`, msg: words })
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    },
  )

  it('writes such a character by its number, so that it is still seen', () => {
    expect(format({ stderr: '\u001B[31mred' })).toContain(String.raw`stderr="\u001b[31mred"`)
  })

  it('colours the level alone, and only where it may', () => {
    const entry = { level: 50, time, msg: 'a defect', requestId: 'r1' }
    const colored = formatLogEntry(entry, { hasColors: true })
    expect(colored).toContain('\u001B[31merror\u001B[39m a defect')
    expect(stripVTControlCharacters(colored)).toBe(formatLogEntry(entry, plain))
  })
})
