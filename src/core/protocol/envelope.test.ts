import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  claimedRevision,
  metaOf,
  readClientFacts,
  withEnvelope,
  withoutEnvelope,
  withoutReservedKeys,
} from './envelope.ts'

const prefix = 'io.modelcontextprotocol/'
const facts = { capabilities: { roots: {} }, info: { name: 'c', version: '1' }, logLevel: 'debug' }

describe('the envelope', () => {
  it('says the revision and the client’s facts beside what `_meta` already holds', () => {
    expect(withEnvelope({ name: 'a', _meta: { progressToken: 1, traceparent: 'x' } }, facts)).toEqual({
      name: 'a',
      _meta: {
        progressToken: 1,
        traceparent: 'x',
        [`${prefix}protocolVersion`]: '2026-07-28',
        [`${prefix}clientCapabilities`]: { roots: {} },
        [`${prefix}clientInfo`]: { name: 'c', version: '1' },
        [`${prefix}logLevel`]: 'debug',
      },
    })
  })

  it('is read back as the same facts, and taken off without a trace', () => {
    const params = fc.dictionary(fc.constantFrom('name', 'arguments', 'cursor'), fc.jsonValue())
    fc.assert(
      fc.property(params, (own) => {
        const params = JSON.parse(JSON.stringify(own))
        const enveloped = withEnvelope(params, facts)
        expect(claimedRevision(enveloped)).toBe('2026-07-28')
        expect(readClientFacts(metaOf(enveloped) ?? {})).toEqual(facts)
        expect(withoutEnvelope(enveloped)).toEqual(params)
      }),
    )
  })

  it('leaves out what the client did not say', () => {
    const enveloped = withEnvelope(undefined, { capabilities: {}, info: undefined, logLevel: undefined })
    expect(Object.keys(metaOf(enveloped) ?? {})).toEqual([`${prefix}protocolVersion`, `${prefix}clientCapabilities`])
  })

  it('is taken off together with the members of multi-round requests', () => {
    const params = {
      name: 'a',
      inputResponses: {},
      requestState: 'x',
      _meta: { [`${prefix}logLevel`]: 'info', own: 1 },
    }
    expect(withoutEnvelope(params)).toEqual({ name: 'a', _meta: { own: 1 } })
    expect(withoutEnvelope(undefined)).toEqual({})
  })
})

describe('claimedRevision', () => {
  it.each([
    [undefined],
    [{}],
    [{ _meta: null }],
    [{ _meta: [] }],
    [{ _meta: { progressToken: 1 } }],
    [{ _meta: { [`${prefix}protocolVersion`]: 20260728 } }],
  ])('is undefined for %j', (params) => {
    expect(claimedRevision(params)).toBeUndefined()
  })
})

describe('readClientFacts', () => {
  it('takes nothing of a wrong type', () => {
    const meta = { [`${prefix}clientCapabilities`]: [], [`${prefix}clientInfo`]: 'c', [`${prefix}logLevel`]: 7 }
    expect(readClientFacts(meta)).toEqual({ capabilities: {}, info: undefined, logLevel: undefined })
  })

  it('believes no modern client to know the tasks of 2025-11-25', () => {
    const capabilities = { tasks: { list: {} }, sampling: {} }
    const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
    expect(readClientFacts(meta).capabilities).toEqual({ sampling: {} })
  })
})

describe('withoutReservedKeys', () => {
  it('keeps what the protocol does not reserve, and is undefined where that is nothing', () => {
    expect(withoutReservedKeys({ [`${prefix}serverInfo`]: {}, 'vendor/x': 1 })).toEqual({ 'vendor/x': 1 })
    expect(withoutReservedKeys({ [`${prefix}serverInfo`]: {} })).toBeUndefined()
    expect(withoutReservedKeys('x')).toBeUndefined()
  })
})
