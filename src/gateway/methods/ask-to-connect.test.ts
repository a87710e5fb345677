import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { askToConnect, withoutConnectAnswer } from './ask-to-connect.ts'

const connectUrl = 'https://gate.example/connect/github?for=x'
const missing = new GatewayError('credential_required', { details: { server: 'github', state: 'missing', connectUrl } })
const deps = { randomId: (prefix: string) => `${prefix}_1`, serverInfo: { name: 'toolgate' } }
const urls = { elicitation: { url: {} } }

type Client = { revision: string; capabilities?: JsonObject; method?: string; params?: JsonObject }

function ask({ revision, capabilities = {}, method = 'tools/call', params }: Client, failure: unknown = missing) {
  const era = revision === '2026-07-28' ? 'modern' : 'legacy'
  const message = { jsonrpc: '2.0', id: 1, method, params }
  const call = { era, revision, facts: { capabilities }, message } as unknown as ClientCall
  return askToConnect(call, failure, deps)
}

describe('a modern client that opens addresses', () => {
  it('is asked in the result', () => {
    const question = {
      method: 'elicitation/create',
      params: { mode: 'url', url: connectUrl, message: missing.message },
    }
    expect(ask({ revision: '2026-07-28', capabilities: urls })).toMatchObject({
      result: { resultType: 'input_required', inputRequests: { 'toolgate/connect': question } },
    })
  })

  it.each(['accept', 'decline'])('is not asked twice: it says %s and nothing is there', (action) => {
    const params = { inputResponses: { 'toolgate/connect': { action } } }
    expect(ask({ revision: '2026-07-28', capabilities: urls, params })).toMatchObject({
      result: { isError: true, resultType: 'complete' },
    })
  })

  it('is told the failure where a result cannot ask', () => {
    expect(ask({ revision: '2026-07-28', capabilities: urls, method: 'tools/list' })).toBeNull()
  })
})

describe('a client of 2025-11-25 that opens addresses', () => {
  it.each(['tools/call', 'tools/list', 'initialize'])('is told by the error −32042 of %s', (method) => {
    const elicitations = [{ mode: 'url', elicitationId: 'eli_1', url: connectUrl, message: missing.message }]
    expect(ask({ revision: '2025-11-25', capabilities: urls, method })).toMatchObject({
      error: { code: -32042, data: { server: 'github', elicitations } },
    })
  })
})

it('says of what was given that it is not good', () => {
  const details = { server: 'github', state: 'needs_attention', reason: 'refused_by_server', connectUrl }
  const failure = new GatewayError('credential_required', { details })
  expect(ask({ revision: '2026-07-28' }, failure)).toMatchObject({
    result: { content: [{ text: expect.stringMatching(/^The account or key that was given .* is not good/) }] },
  })
})

describe('any other client', () => {
  it.each(['2024-11-05', '2025-06-18', '2025-11-25', '2026-07-28'])(
    'of %s gets a failed result with the address',
    (revision) => {
      expect(ask({ revision, capabilities: { elicitation: {} } })).toMatchObject({
        result: {
          isError: true,
          content: [{ type: 'text', text: expect.stringContaining(connectUrl) }],
          _meta: { 'toolgate/connect': { server: 'github', state: 'missing', connectUrl } },
        },
      })
    },
  )

  it('is told every other failure as it is', () => {
    expect(ask({ revision: '2025-11-25' }, new GatewayError('upstream_timeout'))).toBeNull()
    expect(ask({ revision: '2025-11-25' }, new GatewayError('credential_required'))).toBeNull()
    expect(ask({ revision: '2025-11-25' }, new Error('x'))).toBeNull()
  })
})

describe('the answer to our question', () => {
  it('goes no further', () => {
    expect(withoutConnectAnswer({ name: 'a', inputResponses: { 'toolgate/connect': {} } })).toEqual({ name: 'a' })
  })

  it('leaves what the server asked', () => {
    const inputResponses = { 'toolgate/connect': {}, q1: { action: 'accept' } }
    expect(withoutConnectAnswer({ inputResponses })).toEqual({ inputResponses: { q1: { action: 'accept' } } })
  })

  it('costs nothing where there is none', () => {
    const params = { name: 'a', inputResponses: { q1: {} } }
    expect(withoutConnectAnswer(params)).toBe(params)
  })
})
