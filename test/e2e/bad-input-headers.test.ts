/** Headers that are wrong, missing, doubled, or say something else than the body. */
import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  bearer,
  both,
  codeOf,
  initialize,
  modernHeaders,
  modernMessage,
  openLegacy,
  openModern,
  openSse,
  post,
} from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { bodyOf, exchange, say, statusOf, type Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const base64 = (text: string | Buffer): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

const mirrored = {
  name: 'mirrored',
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      count: { type: 'integer', 'x-mcp-header': 'Count' },
      deep: { type: 'object', properties: { isOn: { type: 'boolean', 'x-mcp-header': 'Is-On' } } },
    },
  },
}
const odd = 'größe\r\nx: y'

let upstream: RawUpstream
let legacyUpstream: RawUpstream
let gateway: RawGateway

beforeAll(async () => {
  const capabilities = { tools: {}, prompts: {}, resources: {} }
  upstream = await rawUpstream({ era: 'modern', capabilities, tools: ['echo', odd, mirrored] })
  legacyUpstream = await rawUpstream({ capabilities, tools: ['echo', odd] })
  gateway = await startRawGateway({ servers: [toServer('new', upstream), toServer('old', legacyUpstream)] })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  await legacyUpstream[Symbol.asyncDispose]()
})

afterEach(() => assert.deepEqual(gateway.defects, []))

/** A modern call with exactly these headers above the usual ones; null leaves one out. */
async function send(message: Json, changes: Record<string, string | null> = {}, path = '/mcp') {
  const headers = Object.fromEntries(
    Object.entries({ ...both, ...bearer('a'), ...modernHeaders(message), ...changes }).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  )
  return exchange(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(message) })
}

const call = (name: string, args: Json = {}): Json => modernMessage('tools/call', { name, arguments: args })

describe('the headers that mirror a modern body', () => {
  it.for([
    ['MCP-Protocol-Version missing', { 'mcp-protocol-version': null }],
    ['MCP-Protocol-Version of another revision', { 'mcp-protocol-version': '2025-11-25' }],
    ['MCP-Protocol-Version unknown', { 'mcp-protocol-version': '2099-01-01' }],
    ['Mcp-Method missing', { 'mcp-method': null }],
    ['Mcp-Method empty', { 'mcp-method': '' }],
    ['Mcp-Method of another method', { 'mcp-method': 'tools/list' }],
    ['Mcp-Method in another case', { 'mcp-method': 'Tools/Call' }],
    ['Mcp-Method twice', { 'mcp-method': 'tools/call, tools/call' }],
    ['Mcp-Name missing', { 'mcp-name': null }],
    ['Mcp-Name empty', { 'mcp-name': '' }],
    ['Mcp-Name of another tool', { 'mcp-name': 'old__echo' }],
    ['Mcp-Name in another case', { 'mcp-name': 'NEW__ECHO' }],
    ['Mcp-Name twice', { 'mcp-name': 'new__echo, new__echo' }],
    ['Mcp-Name as base64 of another', { 'mcp-name': base64('old__echo') }],
    ['Mcp-Name as broken base64', { 'mcp-name': '=?base64?bmV3X19lY2hv*?=' }],
    ['Mcp-Name as base64 without padding', { 'mcp-name': '=?base64?bmV3X19lY2hvIQ?=' }],
    ['Mcp-Name as base64 of no UTF-8', { 'mcp-name': base64(Buffer.from([0xff, 0xfe])) }],
    ['Mcp-Name as an empty sentinel', { 'mcp-name': '=?base64??=' }],
    ['Mcp-Name as a sentinel in another case', { 'mcp-name': base64('new__echo').replace('base64', 'BASE64') }],
    ['Mcp-Name as another encoding', { 'mcp-name': '=?utf-8?new__echo?=' }],
  ] as const)('are a header_mismatch with %s', async ([, changes]) => {
    const before = upstream.count('tools/call')
    const message = call('new__echo')
    const answer = await send(message, changes)
    expect(answer.status).toBe(400)
    const body = JSON.parse(answer.text)
    expect(body).toMatchObject({ id: message['id'], error: { code: -32020, data: { code: 'header_mismatch' } } })
    expect(answer.text).not.toContain('old__echo')
    expect(upstream.count('tools/call')).toBe(before)
  })

  it('may have space around them and be base64 without need', async () => {
    const changes = { 'mcp-name': ` ${base64('new__echo')}\t`, 'mcp-method': '  tools/call ' }
    expect((await send(call('new__echo'), changes)).status).toBe(200)
  })

  it.for(['new', 'old'])('carry a name that no header can hold as base64: %s', async (server) => {
    const answer = await send(call(odd), {}, `/${server}/mcp`)
    expect(answer.status).toBe(200)
    const seen = (server === 'new' ? upstream : legacyUpstream).calls(odd)
    expect(seen.at(-1)?.headers['mcp-name']).toBe(server === 'new' ? base64(odd) : undefined)
  })

  it('are checked for prompts and resources too', async () => {
    const prompt = modernMessage('prompts/get', { name: 'x' })
    expect(codeOf(await send(prompt, { 'mcp-name': 'y' }))).toBe('header_mismatch')
    const resource = modernMessage('resources/read', { uri: 'test://x' })
    expect(codeOf(await send(resource, { 'mcp-name': 'test://y' }))).toBe('header_mismatch')
    const task = modernMessage('tasks/get', { taskId: 't' })
    expect(codeOf(await send(task, { 'mcp-name': null }))).toBe('header_mismatch')
  })

  it('say which revisions are supported when the claim is of none', async () => {
    const message = call('new__echo')
    message['params']._meta['io.modelcontextprotocol/protocolVersion'] = '2099-01-01'
    const answer = await send(message, { 'mcp-protocol-version': '2099-01-01' })
    expect(answer.status).toBe(400)
    const { error } = JSON.parse(answer.text)
    expect(error.code).toBe(-32022)
    expect(error.data).toEqual({ supported: ['2026-07-28'], requested: '2099-01-01' })
  })

  it('need an envelope: a modern header above a legacy body is invalid_params', async () => {
    const answer = await send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_params'])
  })

  it('need the client’s capabilities in the envelope', async () => {
    for (const capabilities of [undefined, null, [], 'all']) {
      const message = call('new__echo')
      message['params']._meta['io.modelcontextprotocol/clientCapabilities'] = capabilities
      const answer = await send(message)
      expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_params'])
    }
  })

  it('of every request, doubled on the wire, are a header_mismatch', async () => {
    const body = JSON.stringify(call('new__echo'))
    const lines = [
      'POST /mcp HTTP/1.1',
      'Host: localhost',
      `Authorization: ${bearer('a')['authorization']}`,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      'MCP-Protocol-Version: 2026-07-28',
      'Mcp-Method: tools/call',
      'Mcp-Name: new__echo',
      'Mcp-Name: old__echo',
      `Content-Length: ${body.length}`,
    ]
    const text = await say(gateway.port, `${lines.join('\r\n')}\r\n\r\n${body}`)
    expect(statusOf(text)).toBe(400)
    expect(codeOf(bodyOf(text))).toBe('header_mismatch')
  })
})

describe('the headers that mirror arguments', () => {
  const args = { region: 'eu', count: 3, deep: { isOn: true } }
  const right = { 'mcp-param-region': 'eu', 'mcp-param-count': '3', 'mcp-param-is-on': 'true' }

  it.for([
    ['one missing', { 'mcp-param-region': null }],
    ['one of another value', { 'mcp-param-region': 'us' }],
    ['one in another case', { 'mcp-param-region': 'EU' }],
    ['a number that is another', { 'mcp-param-count': '4' }],
    ['a number that is none', { 'mcp-param-count': 'three' }],
    ['an empty number', { 'mcp-param-count': '' }],
    ['a nested one of another value', { 'mcp-param-is-on': 'false' }],
    ['broken base64', { 'mcp-param-region': '=?base64?!?=' }],
    ['one doubled', { 'mcp-param-region': 'eu, eu' }],
  ] as const)('are a header_mismatch with %s', async ([, changes]) => {
    const before = upstream.count('tools/call')
    const answer = await send(call('new__mirrored', args), { ...right, ...changes })
    expect([answer.status, codeOf(answer)]).toEqual([400, 'header_mismatch'])
    expect(upstream.count('tools/call')).toBe(before)
  })

  it.for([
    ['null', { ...args, region: null }],
    ['absent', { count: 3, deep: { isOn: true } }],
  ] as const)('may not be there when the argument is %s', async ([, given]) => {
    const answer = await send(call('new__mirrored', given), right)
    expect([answer.status, codeOf(answer)]).toEqual([400, 'header_mismatch'])
    const without = { 'mcp-param-count': '3', 'mcp-param-is-on': 'true' }
    expect((await send(call('new__mirrored', given), without)).status).toBe(200)
  })

  it('reach the upstream as they were decided on', async () => {
    expect((await send(call('new__mirrored', args), right)).status).toBe(200)
    expect(upstream.calls('mirrored').at(-1)?.headers).toMatchObject(right)
    const client = await openLegacy(gateway)
    await client.request('tools/call', { name: 'new__mirrored', arguments: { region: odd } })
    expect(upstream.calls('mirrored').at(-1)?.headers['mcp-param-region']).toBe(base64(odd))
  })
})

describe('headers that mirror no argument', () => {
  it.each(['echo', 'mirrored'])('reach no upstream: %s', async (tool) => {
    const answer = await send(call(`new__${tool}`), { 'mcp-param-region-too': 'us', 'mcp-param-x': 'y' })
    expect(answer.status).toBe(200)
    const names = Object.keys(upstream.calls(tool).at(-1)?.headers ?? {})
    expect(names.filter((name) => name.startsWith('mcp-param-'))).toEqual([])
  })

  it('are not made of an argument that no header can hold, which is said', async () => {
    const client = await openLegacy(gateway)
    const before = upstream.count('tools/call')
    const answer = await client.request('tools/call', {
      name: 'new__mirrored',
      arguments: { region: 'x'.repeat(1_000_000) },
    })
    expect(answer['error']?.data.code).toBe('invalid_params')
    expect(upstream.count('tools/call')).toBe(before)
  })
})

describe('the media types', () => {
  const body = JSON.stringify(initialize())

  it.for([
    ['missing', null],
    ['empty', ''],
    ['plain text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with files', 'multipart/form-data; boundary=x'],
    ['JSON of another kind', 'application/json-rpc'],
    ['something that only contains it', 'text/plain, application/json'],
    ['doubled', 'application/json, application/json'],
  ] as const)('are an unsupported_media_type with a Content-Type that is %s', async ([, type]) => {
    const headers = { accept: both.accept, ...bearer('a'), ...(type === null ? {} : { 'content-type': type }) }
    const answer = await exchange(`${gateway.url}/mcp`, { method: 'POST', headers, body })
    expect([answer.status, codeOf(answer)]).toEqual([415, 'unsupported_media_type'])
  })

  it.for(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="utf-8"'])(
    'may be %s',
    async (type) => {
      expect((await post(gateway, body, { headers: { 'content-type': type } })).status).toBe(200)
    },
  )

  it.for(['text/html', 'application/json', 'text/event-stream', 'image/*', ''])(
    'are a not_acceptable with Accept: %s',
    async (accept) => {
      const answer = await post(gateway, body, { headers: { accept } })
      expect([answer.status, codeOf(answer)]).toEqual([406, 'not_acceptable'])
    },
  )

  it('are checked for the stream of a session', async () => {
    const client = await openLegacy(gateway)
    const answer = await exchange(`${gateway.url}/mcp`, { headers: { ...client.headers, accept: 'application/json' } })
    expect([answer.status, codeOf(answer)]).toEqual([406, 'not_acceptable'])
  })
})

describe('a session id', () => {
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

  it('is required', async () => {
    for (const options of [
      { method: 'POST', body: JSON.stringify(list) },
      { method: 'GET' },
      { method: 'DELETE' },
      { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }) },
      { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }) },
      { method: 'POST', body: '[]' },
    ]) {
      const answer = await exchange(`${gateway.url}/mcp`, { ...options, headers: { ...both, ...bearer('a') } })
      expect([answer.status, codeOf(answer)]).toEqual([400, 'session_required'])
    }
  })

  it('answers the same when it is unknown, ended, another token’s, another endpoint’s, or none at all', async () => {
    const mine = await openLegacy(gateway)
    const theirs = await openLegacy(gateway, { token: 'b' })
    const elsewhere = await openLegacy(gateway, { path: '/new/mcp' })
    const ended = await openLegacy(gateway)
    expect((await ended.end()).status).toBe(204)
    const ids = [
      theirs.id,
      elsewhere.id,
      ended.id,
      'mcp_unknown',
      '',
      '__proto__',
      `${mine.id}, ${mine.id}`,
      'x'.repeat(9_000),
    ]
    const answers = []
    for (const id of ids) {
      const headers = { 'mcp-session-id': id }
      for (const body of [
        list,
        { jsonrpc: '2.0', method: 'notifications/initialized' },
        { jsonrpc: '2.0', id: 1, result: {} },
      ])
        answers.push(await post(gateway, body, { headers }))
      answers.push(await exchange(`${gateway.url}/mcp`, { headers: { ...both, ...bearer('a'), ...headers } }))
      answers.push(await exchange(`${gateway.url}/mcp`, { method: 'DELETE', headers: { ...bearer('a'), ...headers } }))
    }
    for (const answer of answers) expect([answer.status, codeOf(answer)]).toEqual([404, 'session_not_found'])
    const shapes = answers.map(({ text }) => text.replaceAll(/req_[\w-]+/g, '').replace('"id":1', '"id":null'))
    expect(new Set(shapes).size).toBe(1)
    expect(await theirs.request('ping')).toMatchObject({ result: {} })
    expect(await mine.request('ping')).toMatchObject({ result: {} })
  })

  it('does not work on an endpoint that x-mcp-servers has narrowed', async () => {
    const client = await openLegacy(gateway)
    const answer = await client.post(list, { 'x-mcp-servers': 'new' })
    expect([answer.status, codeOf(answer)]).toEqual([404, 'session_not_found'])
  })

  it('does not let a session be opened or continued in a revision that is none', async () => {
    const client = await openLegacy(gateway)
    const answer = await client.post(list, { 'mcp-protocol-version': '1999-01-01' })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text).error).toMatchObject({ code: -32022, data: { requested: '1999-01-01' } })
    for (const protocolVersion of [undefined, 5, null, {}]) {
      const opened = await post(gateway, { ...initialize(), params: { protocolVersion } })
      expect([opened.status, codeOf(opened)]).toEqual([400, 'invalid_params'])
    }
    const oldest = await post(gateway, initialize('1999-01-01'))
    expect(JSON.parse(oldest.text).result.protocolVersion).toBe('2025-11-25')
  })

  it('of an SSE connection is as foreign to others', async () => {
    const peer = await openSse(gateway)
    const body = JSON.stringify(initialize())
    const asOther = await exchange(peer.postUrl, { method: 'POST', headers: { ...both, ...bearer('b') }, body })
    const unknown = await exchange(peer.postUrl.replace(/=.*/, '=sse_unknown'), {
      method: 'POST',
      headers: { ...both, ...bearer('a') },
      body,
    })
    const none = await exchange(peer.postUrl.replace(/\?.*/, ''), {
      method: 'POST',
      headers: { ...both, ...bearer('a') },
      body,
    })
    const elsewhere = await exchange(peer.postUrl.replace('/mcp/', '/new/mcp/'), {
      method: 'POST',
      headers: { ...both, ...bearer('a') },
      body,
    })
    for (const answer of [asOther, unknown, none, elsewhere]) {
      expect([answer.status, codeOf(answer)]).toEqual([404, 'session_not_found'])
    }
    peer.close()
  })
})

describe('a request id that is under way already', () => {
  it('is an invalid_request, and the first call keeps its answer', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    await using slow = await rawUpstream({
      calls: {
        slow: async (x) => {
          await held
          x.text('slow')
        },
      },
    })
    await using house = await startRawGateway({ servers: [toServer('one', slow)] })
    const client = await openLegacy(house)
    const first = client.request('tools/call', { name: 'one__slow' }, 'same')
    while (slow.calls('slow').length === 0) await new Promise((resolve) => setImmediate(resolve))
    const second = await client.request('tools/list', {}, 'same')
    expect(second).toMatchObject({ id: 'same', error: { code: -32600, data: { code: 'invalid_request' } } })
    const number = await client.request('ping', {}, 1)
    expect(number).toMatchObject({ id: 1, result: {} })
    release()
    expect(await first).toMatchObject({ id: 'same', result: { content: [{ text: 'slow' }] } })
    expect(await client.request('ping', {}, 'same')).toMatchObject({ id: 'same', result: {} })
    const modern = openModern(house)
    const both = await Promise.all([
      modern.request('tools/list', {}, { id: 1 }),
      modern.request('tools/list', {}, { id: 1 }),
    ])
    expect(both.map(({ result }) => result.tools.length)).toEqual([2, 2])
  })
})
