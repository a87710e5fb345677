import { describe, expect, it } from 'vitest'
import { checkGuards, createGuardOptions } from './guards.ts'

const options = createGuardOptions({
  host: '127.0.0.1',
  allowedHosts: ['mcp.example.com', 'Proxy.example.com:8443', '[fd00::1]:9000'],
  allowedOrigins: [],
})

describe('the Host check', () => {
  it.each(['localhost', '127.0.0.1:4180', '[::1]:4180', 'mcp.example.com', 'mcp.example.com:99', 'MCP.example.com'])(
    'serves %s',
    (host) => {
      expect(() => checkGuards({ host }, options)).not.toThrow()
    },
  )

  it.each(['proxy.example.com:8443', '[fd00::1]:9000'])('serves %s, configured with its port', (host) => {
    expect(() => checkGuards({ host }, options)).not.toThrow()
  })

  it.each(['proxy.example.com', 'proxy.example.com:8444', 'evil.example', ''])('refuses %j', (host) => {
    expect(() => checkGuards({ host }, options)).toThrow(expect.objectContaining({ code: 'host_forbidden' }))
  })
})
