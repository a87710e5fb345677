/** A definition that cannot be served, wherever it came from: it costs the others nothing, and is found again in what must hide its secrets. */
import { describe, expect, it } from 'vitest'
import { secretValuesOf } from '#core/credential/secret-values.ts'
import { startRawGateway, toSnapshot, type RawGatewayOptions } from '../support/raw-gateway.ts'
import { modernHeaders, modernMessage, post } from '../support/raw-client.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'

const poison = (headers: Record<string, string> = { host: 'elsewhere.example' }) => ({
  name: 'poison',
  transport: { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp', headers },
})

describe('a stored server that no request can be made for', () => {
  it('is not there, is told of once, and keeps no other change from being taken', async () => {
    await using one = await rawUpstream({ tools: ['echo'] })
    await using two = await rawUpstream({ tools: ['echo'] })
    const before: RawGatewayOptions = { servers: [poison(), toServer('one', one)] }
    await using gateway = await startRawGateway(before)
    gateway.engine.apply(toSnapshot({ servers: [poison(), toServer('one', one), toServer('two', two)] }))
    gateway.engine.apply(toSnapshot({ servers: [poison(), toServer('two', two)] }))
    expect(gateway.engine.registry.upstreams.map(({ name }) => name)).toEqual(['two'])
    expect(gateway.troubles).toMatchObject([{ server: 'poison', code: 'config_invalid' }])
    gateway.engine.apply(toSnapshot({ servers: [poison({ 'x-team': 'a' }), toServer('two', two)] }))
    expect(gateway.engine.registry.upstreams.map(({ name }) => name)).toEqual(['poison', 'two'])
  })

  it('ends as it was when it is broken by a change', async () => {
    await using one = await rawUpstream({ tools: ['echo'] })
    await using gateway = await startRawGateway({ servers: [toServer('one', one)] })
    const message = modernMessage('tools/call', { name: 'one__echo', arguments: {} })
    const call = () => post(gateway, message, { headers: modernHeaders(message) })
    expect((await call()).status).toBe(200)
    gateway.engine.apply(toSnapshot({ servers: [{ ...poison(), name: 'one' }] }))
    expect((await call()).text).toContain('tool_not_found')
    expect(one.calls('echo')).toHaveLength(1)
  })

  it('has secrets all the same, which are hidden in records', () => {
    const transport = {
      kind: 'streamable_http' as const,
      url: 'http://%ff:key@127.0.0.1/mcp',
      credential: { kind: 'none' as const },
      headers: { host: 'hidden-value' },
      forwardHeaders: [],
      variables: [],
    }
    expect(secretValuesOf({ transport })).toEqual(expect.arrayContaining(['hidden-value', 'key']))
  })
})
