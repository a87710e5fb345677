/** What is wrong with a message is named, in the same words at every entrance, and costs no upstream anything. */
import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorCatalogue, type ErrorCode } from '#contract/errors.ts'
import { codeOf, envelope, openLegacy } from '../support/raw-client.ts'
import { doors, legacyDoors, type Door, type DoorAnswer, type OpenDoor } from '../support/raw-doors.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const limits = { requestBytesMax: 2_000_000, batchMessagesMax: 20 }

let upstream: RawUpstream
let gateway: RawGateway
const opened: OpenDoor[] = []

beforeAll(async () => {
  upstream = await rawUpstream({ capabilities: { tools: {}, prompts: {}, resources: {} } })
  gateway = await startRawGateway({ servers: [toServer('one', upstream)], limits })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

afterEach(() => {
  for (const door of opened.splice(0)) door.close()
  // A defect answers as `internal`, and is a bug whatever the test expected.
  assert.deepEqual(gateway.defects, [])
})

async function openDoor(door: Door, options: { revision?: string; path?: string } = {}): Promise<OpenDoor> {
  const open = await door.open(gateway, options)
  opened.push(open)
  return open
}

/** The failure as it must look: the catalogue's code and words, its own name, and the request's id. */
function expectFailure(answer: DoorAnswer, code: ErrorCode, id: unknown = null): void {
  const { rpc, title } = errorCatalogue[code]
  expect(answer.message).toMatchObject({ jsonrpc: '2.0', id, error: { code: rpc, message: title } })
  expect(answer.message['error'].data.code).toBe(code)
  expect(answer.message['error'].data.requestId).toMatch(/^req_/)
}

/** A request in the door's own era. */
function requestFor(door: Door, method: string, { id = 7, ...params }: Json = {}): string {
  const meta = door.era === 'modern' ? { _meta: { ...envelope(), ...params['_meta'] } } : {}
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...meta } })
}

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe.for(doors)('over $name', (door) => {
  describe('a text that is no message', () => {
    it.for([
      ['broken JSON', '{"jsonrpc":"2.0",'],
      ['two messages', '{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}'],
      ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"ping",}'],
      ['a NUL character', '{"jsonrpc":"2.0","id":1,\u0000"method":"ping"}'],
      ['a raw line break in a text', '{"jsonrpc":"2.0","id":1,"method":"pi\nng"}'],
      ['NaN', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}'],
      ['a comment', '{"jsonrpc":"2.0","id":1,/* */"method":"ping"}'],
      ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}'],
      ['nothing but spaces', '   '],
    ] as const)('is a parse_error: %s', async ([, text]) => {
      const answer = await (await openDoor(door)).send(text)
      expectFailure(answer, 'parse_error')
      expect(answer.status).toBe(door.isChannel ? null : 400)
    })

    it.for([
      ['a number', '5'],
      ['null', 'null'],
      ['a text', '"ping"'],
      ['an empty object', '{}'],
      ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}'],
      ['a method that is no text', '{"jsonrpc":"2.0","method":5}'],
      ['params that are a list', '{"jsonrpc":"2.0","method":"ping","params":[]}'],
      ['params that are a text', '{"jsonrpc":"2.0","method":"ping","params":"x"}'],
      ['a response without result or error', '{"jsonrpc":"2.0","method":null}'],
    ] as const)('is an invalid_request: %s', async ([, text]) => {
      const answer = await (await openDoor(door)).send(text)
      expect(codeOf(answer.message)).toBe('invalid_request')
      expect(answer.status).toBe(door.isChannel ? null : 400)
    })

    it('is a body_too_deep from the 65th level on, and names the limit', async () => {
      const open = await openDoor(door)
      const at = (levels: number) =>
        requestFor(door, 'tools/call', { name: 'one__echo', arguments: {} }).replace(
          '"arguments":{}',
          `"arguments":{"x":${deep(levels)}}`,
        )
      expect((await open.send(at(61))).message).toHaveProperty('result')
      const answer = await open.send(at(62))
      expectFailure(answer, 'body_too_deep')
      expect(answer.message['error'].data.requestDepthMax).toBe(64)
    })

    it('costs no time, were it a megabyte of brackets', async () => {
      const open = await openDoor(door)
      const before = performance.now()
      expectFailure(await open.send(deep(500_000)), 'body_too_deep')
      expectFailure(await open.send('['.repeat(1_000_000)), 'parse_error')
      expectFailure(await open.send('{"a":'.repeat(200_000)), 'parse_error')
      expect(performance.now() - before).toBeLessThan(1_500)
    })
  })

  describe('an id', () => {
    it.for([
      ['null', null],
      ['an object', {}],
      ['a list', [1]],
      ['true', true],
      ['a whole number that JSON cannot hold', 2 ** 53],
    ] as const)('is an invalid_request: %s', async ([, id]) => {
      const answer = await (await openDoor(door)).send(requestFor(door, 'tools/list', { id }))
      expectFailure(answer, 'invalid_request')
    })

    it.for([
      ['an empty text', ''],
      ['zero', 0],
      ['a negative number', -1],
      ['a fraction', 1.5],
      ['a control character', '\r\n\u0000'],
      ['a name of Object', '__proto__'],
      ['more than any other', 'x'.repeat(100_000)],
    ] as const)('comes back as it was sent: %s', async ([, id]) => {
      const open = await openDoor(door)
      const listed = await open.send(requestFor(door, 'tools/list', { id }))
      expect(listed.message).toMatchObject({ id, result: { tools: [{ name: 'one__echo' }] } })
      const called = await open.send(requestFor(door, 'tools/call', { name: 'one__echo', id }))
      expect(called.message).toMatchObject({ id, result: { content: [{ text: 'ok' }] } })
      const failed = await open.send(requestFor(door, 'tools/call', { name: 'none', id }))
      expect(failed.message).toMatchObject({ id, error: { data: { code: 'tool_not_found' } } })
    })
  })

  describe('a method', () => {
    const names = ['nothing/here', '__proto__', 'constructor', 'x'.repeat(10_000), 'TOOLS/LIST']
    // What no header can hold is a header_mismatch over modern HTTP.
    const strange = door.name === 'HTTP, modern' ? [] : ['', 'tools/call\r\nx: y', '\u0000', 'über']

    it.for([...names, ...strange])('is a method_not_found: %#', async (method) => {
      const calls = upstream.seen.length
      const open = await openDoor(door)
      const answer = await open.send(requestFor(door, method))
      expectFailure(answer, 'method_not_found', 7)
      expect(answer.status).toBe(door.isChannel ? null : door.era === 'modern' ? 404 : 200)
      expect(answer.message['error'].data.method.length).toBeLessThanOrEqual(128)
      expect(upstream.seen.slice(calls).filter(({ message }) => message['method'] === method)).toEqual([])
    })

    it('of the other era does not exist', async () => {
      const open = await openDoor(door)
      const strangers =
        door.era === 'modern'
          ? ['ping', 'logging/setLevel', 'resources/subscribe', 'initialize']
          : ['server/discover', 'subscriptions/listen', 'tasks/update']
      for (const method of strangers)
        expect(codeOf((await open.send(requestFor(door, method))).message)).toBe('method_not_found')
    })
  })

  describe('a parameter', () => {
    it.for([
      ['tools/call', {}],
      ['tools/call', { name: 5 }],
      ['tools/call', { name: '' }],
      ['tools/call', { name: null }],
      ['tools/call', { name: { toString: 'x' } }],
      ['prompts/get', { name: [] }],
      ['resources/read', { uri: false }],
      ['completion/complete', { ref: 'x' }],
      ['tools/list', { cursor: 5 }],
      ['tools/list', { cursor: 'nobody gave it' }],
      ['tools/list', { cursor: 'tg999999999' }],
    ] as const)('is invalid_params: %s %j', async ([method, params]) => {
      const answer = await (await openDoor(door)).send(requestFor(door, method, params))
      expectFailure(answer, 'invalid_params', 7)
    })

    const known = ['none', 'one__none', 'none__echo', 'one__', '__echo', 'ONE__echo', '../one__echo', 'one__echo ']
    const object = ['__proto__', 'constructor', 'one__constructor', 'one__toString']
    const strange = ['one__echo\u0000', 'one__echo\r\nmcp-name: one__echo', 'ｏｎｅ__echo', 'x'.repeat(10_000)]
    it.for([...known, ...object, ...strange])('names no tool: %#', async (name) => {
      const calls = upstream.count('tools/call')
      const answer = await (await openDoor(door)).send(requestFor(door, 'tools/call', { name }))
      expectFailure(answer, 'tool_not_found', 7)
      expect(answer.message['error'].data.name.length).toBeLessThanOrEqual(128)
      expect(upstream.count('tools/call')).toBe(calls)
    })
  })
})

describe.for(legacyDoors)('a batch over $name', (door) => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const batchOf = (...messages: unknown[]): string => JSON.stringify(messages)

  it.for(['2024-11-05', '2025-06-18', '2025-11-25'])('is refused in %s', async (revision) => {
    const open = await openDoor(door, { revision })
    expectFailure(await open.send(batchOf(ping)), 'batch_not_allowed')
  })

  it.for([
    ['empty', []],
    ['holding what is no message', [ping, 5]],
    ['holding a batch', [ping, [ping]]],
    ['holding initialize', [ping, { jsonrpc: '2.0', id: 2, method: 'initialize', params: {} }]],
  ] as const)('is an invalid_request in 2025-03-26 when %s', async ([, messages]) => {
    const open = await openDoor(door, { revision: '2025-03-26' })
    expectFailure(await open.send(JSON.stringify(messages)), 'invalid_request')
    const after = await open.send(JSON.stringify({ ...ping, id: 'after' }))
    expect(after.message).toEqual({ jsonrpc: '2.0', id: 'after', result: {} })
  })

  it('is refused in 2025-03-26 when it holds more messages than allowed, and names the limit', async () => {
    const open = await openDoor(door, { revision: '2025-03-26' })
    const answer = await open.send(batchOf(...Array.from({ length: 21 }, () => ping)))
    expectFailure(answer, 'invalid_request')
    expect(answer.message['error'].data.batchMessagesMax).toBe(20)
  })

  it('is refused in 2025-03-26 when it holds a modern message', async () => {
    const open = await openDoor(door, { revision: '2025-03-26' })
    const modern = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: { _meta: envelope() } }
    expectFailure(await open.send(batchOf(ping, modern)), 'batch_not_allowed')
  })
})

describe('a batch over HTTP', () => {
  it('is answered part by part in 2025-03-26, and the runtime has nothing to warn of', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warn)
    const client = await openLegacy(gateway, { revision: '2025-03-26' })
    const calls = Array.from({ length: 18 }, (_, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'one__echo' },
    }))
    const answer = await client.post([
      ...calls,
      { jsonrpc: '2.0', id: 'bad', method: 'none' },
      { jsonrpc: '2.0', method: 'x' },
    ])
    const parts: unknown[] = JSON.parse(answer.text)
    expect(answer.status).toBe(200)
    expect(parts).toHaveLength(19)
    for (const { id } of calls) expect(parts).toContainEqual(expect.objectContaining({ id, result: expect.anything() }))
    expect(parts).toContainEqual(expect.objectContaining({ id: 'bad', error: expect.anything() }))
    expect((await client.post([{ jsonrpc: '2.0', method: 'notifications/x' }])).status).toBe(202)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    expect(warnings.map(({ name }) => name)).toEqual([])
  })
})
