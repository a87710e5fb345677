import { describe, expect, it } from 'vitest'
import { isSameSite } from './same-site.ts'

describe('isSameSite', () => {
  it.each<[string | null, string, boolean]>([
    ['https://gw.example.com', 'https://gw.example.com/mcp', true],
    ['https://gw.example.com', 'https://GW.example.com:8443/mcp', true],
    ['https://gw.example.com', 'https://gw.example.com./mcp', true],
    ['https://gw.example.com', 'wss://gw.example.com/mcp', true],
    ['https://gw.example.com', 'https://mcp.gw.example.com', true],
    ['http://gw.example.com', 'https://mcp.gw.example.com', true],
    ['http://localhost:4180', 'http://localhost:9000/mcp', true],
    ['http://127.0.0.1:4180', 'http://127.0.0.1:9000/mcp', true],
    ['http://[::1]:4180', 'http://[::1]:9000/mcp', true],
    // Over plain http anybody on the way reads what was kept to https.
    ['https://gw.example.com', 'http://gw.example.com/mcp', false],
    // Beside each other: one registrable domain perhaps, and perhaps two customers of one host.
    ['https://gw.example.com', 'https://mcp.example.com', false],
    ['https://gw.github.io', 'https://other.github.io', false],
    ['https://gw.example.com', 'https://example.com', false],
    ['https://gw.example.com', 'https://evil-gw.example.com', false],
    ['https://gw.example.com', 'https://gw.example.com.evil.test', false],
    ['https://gw.example.com', 'https://gw.example.com@evil.test/', false],
    ['https://com', 'https://example.com', false],
    ['http://127.0.0.1', 'http://1.127.0.0.1.evil.test', false],
    ['http://0.0.1', 'http://0.0.0.2', false],
    [null, 'https://gw.example.com', false],
    ['not a url', 'https://gw.example.com', false],
    ['https://gw.example.com', 'not a url', false],
  ])('of %s and %s: %s', (publicUrl, upstreamUrl, expected) => {
    expect(isSameSite({ publicUrl, upstreamUrl })).toBe(expected)
  })
})
