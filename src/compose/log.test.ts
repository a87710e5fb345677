import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { openLog, type LogTarget } from './log.ts'

type Lines = LogTarget & { written: string[] }

function target(kind: Partial<LogTarget> = {}): Lines {
  const written: string[] = []
  return { isTTY: false, write: (text) => written.push(text), written, ...kind }
}
const terminal = (): Lines => target({ isTTY: true, hasColors: () => true })

/** What one warning looks like. */
function written(env: Record<string, string>, to: Lines): string {
  openLog(env, to).warn({ server: 'files' }, 'a server fails')
  return to.written.join('')
}
const human = /^\d\d:\d\d:\d\d .*warn.* a server fails {2}server=files\n$/

describe('openLog', () => {
  it('writes lines for a person to a terminal', () => {
    expect(written({}, terminal())).toMatch(human)
  })

  it('writes JSON to what is no terminal, one object a line', () => {
    const text = written({}, target())
    expect(text.endsWith('}\n')).toBe(true)
    expect(JSON.parse(text)).toMatchObject({ level: 40, server: 'files', msg: 'a server fails' })
  })

  it('does as $TOOLGATE_LOG_FORMAT says, wherever it writes', () => {
    expect(JSON.parse(written({ TOOLGATE_LOG_FORMAT: 'json' }, terminal()))).toMatchObject({ server: 'files' })
    expect(written({ TOOLGATE_LOG_FORMAT: 'text' }, target())).toMatch(human)
    expect(written({ TOOLGATE_LOG_FORMAT: '' }, terminal())).toMatch(human)
  })

  it('asks the terminal for colours with the whole environment, and a file for none', () => {
    const asked: unknown[] = []
    const hasColors = (_count: number, env: unknown): boolean => (asked.push(env), false)
    expect(written({ NO_COLOR: '1' }, target({ isTTY: true, hasColors }))).not.toContain('\u001B')
    expect(asked).toEqual([{ NO_COLOR: '1' }])
    expect(written({}, terminal())).toContain('\u001B[33mwarn')
    expect(written({ TOOLGATE_LOG_FORMAT: 'text' }, target())).not.toContain('\u001B')
  })

  it('leaves out what is below $TOOLGATE_LOG_LEVEL', () => {
    expect(written({ TOOLGATE_LOG_LEVEL: 'error' }, target())).toBe('')
    expect(written({ TOOLGATE_LOG_LEVEL: '' }, target())).not.toBe('')
  })

  it.each([
    [{ TOOLGATE_LOG_FORMAT: 'pretty' }, 'TOOLGATE_LOG_FORMAT must be one of json, text'],
    [
      { TOOLGATE_LOG_LEVEL: 'loud' },
      'TOOLGATE_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent',
    ],
  ])('refuses %j by the values that there are', (env, reason) => {
    expect(() => openLog(env, target())).toThrow(new GatewayError('config_invalid', { details: { reason } }))
    expect(() => openLog(env, target())).toThrow(expect.objectContaining({ details: { reason } }))
  })
})
