import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modern, note, startBridge, type BridgeClient } from '#test/support/cli/bridge-client.ts'
import { RpcFailure, textResult, tool } from '#test/support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '#test/support/raw/http-upstream.ts'
import { until } from '#test/support/until.ts'

let gateway: RawUpstream
let client: BridgeClient

beforeEach(async () => {
  gateway = await startRawUpstream(['modern'])
  client = startBridge(gateway.url)
})

afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

const region = tool('region', {
  inputSchema: { type: 'object', properties: { where: { type: 'string', 'x-mcp-header': 'Region' } } },
})

describe('the bridge, for a modern client', () => {
  it('says in headers what the body says, and keeps no session', async () => {
    client.say(modern(1, 'server/discover'))
    client.say(modern(2, 'tools/call', { name: 'echo', arguments: { a: 1 } }))
    client.say(modern(3, 'tools/call', { name: 'Grüße\n', arguments: {} }))
    expect(await client.answerTo(1)).toMatchObject({ result: { supportedVersions: ['2026-07-28'] } })
    expect(await client.answerTo(2)).toMatchObject({ result: { resultType: 'complete', ...textResult('{"a":1}') } })
    await client.answerTo(3)
    const [first, second, third] = gateway.seen.toSorted((a, b) => Number(a.body['id']) - Number(b.body['id']))
    expect(first?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'server/discover',
      authorization: 'Bearer tg_of_the_test',
    })
    expect(first?.headers).not.toHaveProperty('mcp-name')
    expect(second?.headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'echo' })
    expect(third?.headers['mcp-name']).toBe('=?base64?R3LDvMOfZQo=?=')
    client.end()
    expect(await client.ended).toBe('eof')
    expect(gateway.seen.every(({ http }) => http === 'POST')).toBe(true)
  })

  it('relays what comes before the answer', async () => {
    gateway.handlers['tools/call'] = (call) => {
      call.notify('notifications/progress', { progressToken: 7, progress: 1 })
      return textResult('done')
    }
    client.say(modern(1, 'tools/call', { name: 'echo', _meta: { progressToken: 7 } }))
    expect(await client.next()).toMatchObject({ method: 'notifications/progress' })
    expect(await client.next()).toMatchObject({ id: 1, result: textResult('done') })
  })

  it('closes the stream of a request that is cancelled, and answers nothing', async () => {
    let wasCancelled = false
    gateway.handlers['tools/call'] = async ({ cancelled }) => {
      await cancelled
      wasCancelled = true
      return textResult('too late')
    }
    client.say(modern(1, 'tools/call', { name: 'echo' }))
    await until('it is under way', () => gateway.count('tools/call') === 1)
    client.say(note('notifications/cancelled', { requestId: 1 }))
    await until('it was cancelled', () => wasCancelled)
    client.say(modern(2, 'tools/list'))
    await client.answerTo(2)
    expect(client.heard.map(({ id }) => id)).toEqual([2])
    expect(gateway.count('notifications/cancelled')).toBe(0)
  })

  it('mirrors the arguments that the listed tool wants mirrored', async () => {
    gateway.handlers['tools/list'] = () => ({ tools: [region, tool('echo')] })
    client.say(modern(1, 'tools/list'))
    await client.answerTo(1)
    client.say(modern(2, 'tools/call', { name: 'region', arguments: { where: 'Süden' } }))
    client.say(modern(3, 'tools/call', { name: 'region', arguments: {} }))
    await client.answerTo(2)
    await client.answerTo(3)
    const [, second, third] = gateway.seen
    expect(second?.headers['mcp-param-region']).toBe('=?base64?U8O8ZGVu?=')
    expect(third?.headers).not.toHaveProperty('mcp-param-region')
  })

  it('does not offer a tool whose annotations are wrong', async () => {
    const wrong = tool('wrong', {
      inputSchema: { type: 'object', properties: { a: { type: 'object', 'x-mcp-header': 'A' } } },
    })
    gateway.handlers['tools/list'] = () => ({ tools: [wrong, tool('echo')], kept: true })
    client.say(modern(1, 'tools/list'))
    expect(await client.answerTo(1)).toMatchObject({ result: { tools: [{ name: 'echo' }], kept: true } })
  })

  it('reads the tools again where a header was wrong, and calls once more', async () => {
    gateway.handlers['tools/list'] = ({ params }) =>
      params['cursor'] === undefined ? { tools: [tool('echo')], nextCursor: 'more' } : { tools: [region] }
    gateway.handlers['tools/call'] = ({ headers }) => {
      if (headers['mcp-param-region'] === undefined) throw new RpcFailure(-32020, 'Mcp-Param-Region is missing')
      return textResult('from there')
    }
    client.say(modern(1, 'tools/call', { name: 'region', arguments: { where: 'south' } }))
    expect(await client.answerTo(1)).toMatchObject({ result: textResult('from there') })
    expect(gateway.seen.map(({ method }) => method)).toEqual(['tools/call', 'tools/list', 'tools/list', 'tools/call'])
    expect(client.heard).toHaveLength(1)
  })

  it('passes a header refusal on that stays one', async () => {
    gateway.handlers['tools/call'] = () => Promise.reject(new RpcFailure(-32020, 'no'))
    client.say(modern(1, 'tools/call', { name: 'echo' }))
    expect(await client.answerTo(1)).toMatchObject({ error: { code: -32020 } })
    expect(gateway.count('tools/call')).toBe(2)
  })

  it('passes on what the gateway refuses with a status', async () => {
    await using legacyOnly = await startRawUpstream(['legacy'])
    await using other = startBridge(legacyOnly.url)
    other.say(modern(1, 'tools/list'))
    expect(await other.answerTo(1)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32000, message: 'Bad Request: Server not initialized' },
    })
  })

  it('relays a subscription until the client cancels it', async () => {
    client.say(modern('sub', 'subscriptions/listen', { notifications: { toolsListChanged: true } }))
    expect(await client.next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' })
    gateway.announce('notifications/tools/list_changed')
    expect(await client.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
    client.say(note('notifications/cancelled', { requestId: 'sub' }))
    client.say(modern(2, 'tools/list'))
    await client.answerTo(2)
    expect(client.heard).toHaveLength(3)
  })

  it('does not wait for a subscription when the client ends', async () => {
    client.say(modern('sub', 'subscriptions/listen', { notifications: { toolsListChanged: true } }))
    await client.next()
    client.end()
    expect(await client.ended).toBe('eof')
  })

  it('tells the client that a subscription was lost', async () => {
    client.say(modern('sub', 'subscriptions/listen', { notifications: { toolsListChanged: true } }))
    await client.next()
    await gateway[Symbol.asyncDispose]()
    expect(await client.answerTo('sub')).toMatchObject({ error: { data: { code: 'gateway_unreachable' } } })
  })
})
