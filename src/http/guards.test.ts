import { describe, expect, it } from 'vitest'
import { checkGuards, createGuardOptions } from './guards.ts'

const listen = { host: '127.0.0.1', allowedHosts: [], allowedOrigins: [] }
const code = (name: string) => expect.objectContaining({ code: name })

function check(headers: { host?: string; origin?: string }, more: object = {}): () => void {
  return () => checkGuards(headers, createGuardOptions({ ...listen, ...more }))
}

describe('the Host', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST:80', '127.0.0.1:1', '[::1]:8080', '[::1]'])(
    'may be %s on a loopback address',
    (host) => {
      expect(check({ host })).not.toThrow()
    },
  )

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io:80',
    '127.0.0.2',
    '',
    '[::1',
    'localhost:80:80',
  ])('may not be %j on a loopback address: a page may have pointed its own name here', (host) => {
    expect(check({ host })).toThrow(code('host_forbidden'))
  })

  it('may not be missing', () => {
    expect(check({})).toThrow(code('host_forbidden'))
  })

  it.each(['localhost', '::1', '127.255.0.1'])('is looked at on the loopback address %s', (host) => {
    expect(check({ host: 'evil.example' }, { host })).toThrow(code('host_forbidden'))
  })

  it('may be anything on another address where none is configured', () => {
    expect(check({ host: 'evil.example' }, { host: '0.0.0.0' })).not.toThrow()
  })

  it('must be configured on another address where one is', () => {
    const configured = { host: '0.0.0.0', allowedHosts: ['Gate.Example'] }
    expect(check({ host: 'gate.example:443' }, configured)).not.toThrow()
    expect(check({ host: 'localhost' }, configured)).not.toThrow()
    expect(check({ host: 'other.example' }, configured)).toThrow(code('host_forbidden'))
  })

  it('is served with any port where it is configured without one, else with its own only', () => {
    const configured = { allowedHosts: ['mcp.example', 'Proxy.example:8443', '[fd00::1]:9000'] }
    for (const host of ['mcp.example', 'MCP.example:99', 'proxy.example:8443', '[fd00::1]:9000']) {
      expect(check({ host }, configured)).not.toThrow()
    }
    for (const host of ['proxy.example', 'proxy.example:8444']) {
      expect(check({ host }, configured)).toThrow(code('host_forbidden'))
    }
  })

  it('may be that of the public address', () => {
    const configured = { publicUrl: 'https://gate.example/path' }
    expect(check({ host: 'gate.example' }, configured)).not.toThrow()
  })
})

describe('the Origin', () => {
  const host = 'localhost'

  it.each([undefined, 'http://localhost:5173', 'https://127.0.0.1', 'http://[::1]:9'])('may be %s', (origin) => {
    expect(check(origin === undefined ? { host } : { host, origin })).not.toThrow()
  })

  it.each([
    'null',
    '',
    'https://evil.example',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'file://localhost',
    'chrome-extension://localhost',
    'nonsense',
  ])('may not be %j', (origin) => {
    expect(check({ host, origin })).toThrow(code('origin_forbidden'))
  })

  it('may be one that is configured, to the letter, or the public address', () => {
    const configured = { allowedOrigins: ['https://app.example:8443'], publicUrl: 'https://gate.example/path' }
    expect(check({ host, origin: 'https://app.example:8443' }, configured)).not.toThrow()
    expect(check({ host, origin: 'https://gate.example' }, configured)).not.toThrow()
    for (const origin of ['https://app.example', 'http://app.example:8443', 'http://gate.example']) {
      expect(check({ host, origin }, configured)).toThrow(code('origin_forbidden'))
    }
  })
})
