import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { UpstreamCall, UpstreamFacts, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { ensureLogLevel, isLogLevel, isLoudEnough } from './log-level.ts'

function session(facts: Partial<UpstreamFacts> = {}, fail = false) {
  const asked: (JsonObject | undefined)[] = []
  const own: UpstreamSession = {
    facts: {
      era: 'legacy',
      revision: '2025-11-25',
      capabilities: { logging: {} },
      serverInfo: {},
      instructions: undefined,
      ...facts,
    },
    isOpen: true,
    lastUsedAt: 0,
    callsUnderWay: 0,
    async call({ method, params }: UpstreamCall) {
      asked.push({ method, ...params })
      if (fail) throw new Error('no')
      return { result: {} }
    },
    notify: () => undefined,
    listen: () => undefined,
    subscribe: async () => ({ result: {} }),
    close: async () => undefined,
  }
  return { own, asked }
}

const set = (level: string) => ({ method: 'logging/setLevel', level })

describe('isLogLevel', () => {
  it('knows the severities of RFC 5424', () => {
    expect(['debug', 'emergency'].every(isLogLevel)).toBe(true)
    expect(['', 'warn', 'DEBUG', 3, undefined].some(isLogLevel)).toBe(false)
  })
})

describe('isLoudEnough', () => {
  const note = (level: unknown) => ({ jsonrpc: '2.0' as const, method: 'notifications/message', params: { level } })

  it.each([
    ['error', 'warning', true],
    ['warning', 'warning', true],
    ['info', 'warning', false],
    ['debug', undefined, true],
    [7, 'warning', true],
  ])('for a message of level %s where %s is asked for is %s', (own, level, expected) => {
    expect(isLoudEnough(note(own), level)).toBe(expected)
  })
})

describe('ensureLogLevel', () => {
  it('asks for a level once, and again only for a lower one', async () => {
    const { own, asked } = session()
    for (const level of ['warning', 'warning', 'error', 'debug', 'info']) await ensureLogLevel(own, level)
    expect(asked).toEqual([set('warning'), set('debug')])
  })

  it('asks nothing of a server without logging, of a modern one, or where no level is wished', async () => {
    const silent = session({ capabilities: {} })
    const modern = session({ era: 'modern' })
    const unasked = session()
    await ensureLogLevel(silent.own, 'debug')
    await ensureLogLevel(modern.own, 'debug')
    await ensureLogLevel(unasked.own, undefined)
    expect([silent.asked, modern.asked, unasked.asked]).toEqual([[], [], []])
  })

  it('tries again after a failure, and never fails itself', async () => {
    const { own, asked } = session({}, true)
    await ensureLogLevel(own, 'info')
    await ensureLogLevel(own, 'info')
    expect(asked).toEqual([set('info'), set('info')])
  })
})
