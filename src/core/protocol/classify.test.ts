import { describe, expect, it } from 'vitest'
import { eraOfMessage } from './classify.ts'
import type { RpcRequest } from './json-rpc.ts'
import { isAtLeast, isLegacyRevision } from './revisions.ts'

const prefix = 'io.modelcontextprotocol/'
const claim = { [`${prefix}protocolVersion`]: '2026-07-28', [`${prefix}clientCapabilities`]: {} }
const request = (params?: RpcRequest['params'], method = 'tools/list'): RpcRequest => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  ...(params === undefined ? {} : { params }),
})
const modern = request({ _meta: claim })
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
const withCode = (code: string, details: object = {}) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) })

describe('eraOfMessage', () => {
  it.each([
    ['initialize', request({ protocolVersion: '2025-11-25' }, 'initialize'), {}],
    ['no params', request(), {}],
    ['no claim, an older header', request({}), { 'mcp-protocol-version': '2025-06-18' }],
    ['a progress token only', request({ _meta: { progressToken: 1 } }), {}],
    ['a channel', request(), null],
    ['a notification', { jsonrpc: '2.0' as const, method: 'notifications/initialized' }, {}],
  ])('is legacy for %s', (_what, message, headers) => {
    expect(eraOfMessage(message, headers)).toBe('legacy')
  })

  it('is modern for a claim that the headers repeat', () => {
    expect(eraOfMessage(modern, modernHeaders)).toBe('modern')
    expect(eraOfMessage(modern, { ...modernHeaders, 'mcp-protocol-version': ' 2026-07-28 ' })).toBe('modern')
  })

  it('is modern for a claim on a channel, which has no headers', () => {
    expect(eraOfMessage(modern, null)).toBe('modern')
  })

  it('is modern for a notification whose header says so', () => {
    const note = { jsonrpc: '2.0' as const, method: 'notifications/cancelled' }
    expect(eraOfMessage(note, { 'mcp-protocol-version': '2026-07-28' })).toBe('modern')
  })

  it.each([
    {
      what: 'a claim that no version header repeats',
      message: modern,
      headers: { 'mcp-method': 'tools/list' },
      code: 'header_mismatch',
    },
    {
      what: 'a claim beside another version header',
      message: modern,
      headers: { ...modernHeaders, 'mcp-protocol-version': '2025-11-25' },
      code: 'header_mismatch',
    },
    {
      what: 'a claim without a method header',
      message: modern,
      headers: { 'mcp-protocol-version': '2026-07-28' },
      code: 'header_mismatch',
    },
    {
      what: 'a claim beside another method header',
      message: modern,
      headers: { ...modernHeaders, 'mcp-method': 'ping' },
      code: 'header_mismatch',
    },
    {
      what: 'a modern header without a claim',
      message: request(),
      headers: { 'mcp-protocol-version': '2026-07-28' },
      code: 'invalid_params',
    },
    {
      what: 'a claim without capabilities',
      message: request({ _meta: { [`${prefix}protocolVersion`]: '2026-07-28' } }),
      headers: modernHeaders,
      code: 'invalid_params',
    },
    {
      what: 'a claim with capabilities that are no object',
      message: request({ _meta: { ...claim, [`${prefix}clientCapabilities`]: true } }),
      headers: modernHeaders,
      code: 'invalid_params',
    },
  ])('refuses $what', ({ message, headers, code }) => {
    expect(() => eraOfMessage(message, headers)).toThrow(withCode(code))
  })

  it.each(['2099-01-01', '2025-11-25', ''])('names what it supports when revision %j is claimed', (revision) => {
    const message = request({ _meta: { ...claim, [`${prefix}protocolVersion`]: revision } })
    expect(() => eraOfMessage(message, null)).toThrow(
      withCode('unsupported_protocol_version', { supported: ['2026-07-28'], requested: revision }),
    )
  })

  it('repeats no more than the beginning of a claim', () => {
    const message = request({ _meta: { ...claim, [`${prefix}protocolVersion`]: 'x'.repeat(10_000) } })
    expect(() => eraOfMessage(message, null)).toThrow(
      withCode('unsupported_protocol_version', { requested: 'x'.repeat(64) }),
    )
  })
})

describe('revisions', () => {
  it('knows the legacy ones', () => {
    expect(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].every(isLegacyRevision)).toBe(true)
    expect([undefined, 1, '', '2024-10-07', '2026-07-28'].some(isLegacyRevision)).toBe(false)
  })

  it('compares them by date', () => {
    expect(isAtLeast('2025-06-18', '2025-06-18')).toBe(true)
    expect(isAtLeast('2026-07-28', '2025-11-25')).toBe(true)
    expect(isAtLeast('2025-03-26', '2025-06-18')).toBe(false)
  })
})
