import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bridgedCapabilities,
  canAnswer,
  canonicalJson,
  capabilitiesKey,
  joinServerCapabilities,
  legacyUpstreamCapabilities,
  sharedClientCapabilities,
} from './capabilities.ts'

describe('bridgedCapabilities', () => {
  it('passes on what the gateway can relay, in the client’s own words, and nothing else', () => {
    const declared = {
      sampling: { tools: {} },
      elicitation: { form: {}, url: {} },
      roots: { listChanged: true },
      experimental: { 'vendor/x': {} },
      extensions: { 'vendor/y': { a: 1 } },
      tasks: { cancel: {} },
      somethingNew: {},
    }
    const { tasks: _tasks, somethingNew: _new, ...bridged } = declared
    expect(bridgedCapabilities(declared)).toEqual(bridged)
  })

  it('takes only objects for declarations', () => {
    expect(bridgedCapabilities({ sampling: true, roots: null, elicitation: [] })).toEqual({})
  })
})

describe('legacyUpstreamCapabilities', () => {
  it('hides extensions, and promises changes of roots only where the client can tell of them', () => {
    const declared = { roots: { listChanged: true }, extensions: { x: {} }, sampling: {} }
    expect(legacyUpstreamCapabilities(declared, true)).toEqual({ roots: { listChanged: true }, sampling: {} })
    expect(legacyUpstreamCapabilities(declared, false)).toEqual({ roots: {}, sampling: {} })
    expect(legacyUpstreamCapabilities({}, false)).toEqual({})
  })

  it('promises the tasks that the client makes of questions', () => {
    const tasks = { cancel: {}, requests: { sampling: { createMessage: {} } } }
    expect(legacyUpstreamCapabilities({ sampling: {}, tasks }, true)).toEqual({ sampling: {}, tasks })
    expect(legacyUpstreamCapabilities({ tasks: true }, true)).toEqual({})
  })
})

describe('canAnswer', () => {
  it.each([
    ['elicitation/create', { elicitation: {} }, true],
    ['elicitation/create', { sampling: {} }, false],
    ['sampling/createMessage', { sampling: {} }, true],
    ['roots/list', { roots: {} }, true],
    ['roots/list', { roots: true }, false],
    ['tools/call', { tools: {} }, false],
    ['tasks/get', { tasks: {} }, true],
    ['tasks/result', { sampling: {} }, false],
    ['tasks/update', { tasks: {} }, false],
    ['constructor', { constructor: {} }, false],
    ['__proto__', {}, false],
  ])('of %s with %j is %s', (method, capabilities, expected) => {
    expect(canAnswer(capabilities, method)).toBe(expected)
  })

  it('covers what the gateway declares where a session is shared', () => {
    expect(canAnswer(sharedClientCapabilities, 'elicitation/create')).toBe(true)
    expect(canAnswer(sharedClientCapabilities, 'sampling/createMessage')).toBe(true)
  })
})

describe('canonicalJson', () => {
  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('is one text whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
      }),
    )
  })

  it('keeps the order of lists', () => {
    expect(canonicalJson([{ b: 1, a: 2 }, 1])).toBe('[{"a":2,"b":1},1]')
  })

  it('writes what JSON cannot hold as null', () => {
    expect(canonicalJson(undefined)).toBe('null')
  })
})

describe('capabilitiesKey', () => {
  it('is equal for clients that differ only in what is not passed on, or in order', () => {
    const key = capabilitiesKey({ sampling: {}, roots: {} })
    expect(capabilitiesKey({ roots: {}, sampling: {}, other: 1 })).toBe(key)
    expect(capabilitiesKey({ sampling: {} })).not.toBe(key)
    expect(capabilitiesKey({ sampling: {}, roots: {}, tasks: { list: {} } })).not.toBe(key)
  })

  it('is the same each time for the same declaration', () => {
    const declared = { roots: {} }
    expect(capabilitiesKey(declared)).toBe(capabilitiesKey(declared))
  })
})

describe('joinServerCapabilities', () => {
  it('has what any server has', () => {
    const all = [{ prompts: {}, resources: { subscribe: true } }, { resources: { listChanged: true } }, { logging: {} }]
    expect(joinServerCapabilities(all)).toEqual({
      prompts: {},
      resources: { subscribe: true, listChanged: true },
      logging: {},
    })
  })

  it('is empty for no servers', () => {
    expect(joinServerCapabilities([])).toEqual({})
  })
})
