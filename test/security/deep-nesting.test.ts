/** Whatever an upstream nests, the gateway lives: a value that no stack can walk must not get past the edge. */
import { describe, expect, it } from 'vitest'
import { rawSseUpstream, rawWebSocketUpstream, type UpstreamPeer } from '../support/raw-channel-upstream.ts'
import { codeOf, openLegacy, openModern } from '../support/raw-client.ts'
import { startRawGateway } from '../support/raw-gateway.ts'
import { stdioServer } from '../support/raw-stdio-server.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const asking = { elicitation: {} }
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('a stdio server that nests 200,000 levels deep', () => {
  it.for(['deepNote', 'deepAsk', 'deepResult'])('ends the call with a named error: %s', async (tool) => {
    await using gateway = await startRawGateway({ servers: [stdioServer('deep')] })
    const client = await openLegacy(gateway, { path: '/deep/mcp', capabilities: asking })
    const legacy = await client.request('tools/call', { name: tool })
    expect(codeOf(legacy)).toBe('upstream_protocol')
    const modern = openModern(gateway, { path: '/deep/mcp', capabilities: asking })
    const answer = await modern.request('tools/call', { name: tool })
    expect(codeOf(answer)).toBe('upstream_protocol')
    expect(gateway.defects).toEqual([])
    // A server that has failed twice is started again after a moment.
    await until('it is served again', async () => 'result' in (await client.request('tools/call', { name: 'echo' })))
  })
})

describe('an HTTP server that nests 200,000 levels deep', () => {
  it.for(['note', 'ask', 'result'])('ends the call with a named error: %s', async (kind) => {
    const params = `{"level":"error","message":"x","data":${nested(200_000)}}`
    const texts: Record<string, string> = {
      note: `{"jsonrpc":"2.0","method":"notifications/message","params":${params}}`,
      ask: `{"jsonrpc":"2.0","id":"d","method":"elicitation/create","params":${params}}`,
      result: `{"result":${params},"jsonrpc":"2.0","id":"nobody"}`,
    }
    await using upstream = await rawUpstream({ calls: { deep: (x) => void x.events(`data: ${texts[kind]}\n\n`) } })
    await using gateway = await startRawGateway({ servers: [toServer('deep', upstream)] })
    const client = await openLegacy(gateway, { capabilities: asking })
    expect(codeOf(await client.request('tools/call', { name: 'deep__deep' }))).toBe('upstream_protocol')
    const modern = openModern(gateway, { capabilities: asking })
    expect(codeOf(await modern.request('tools/call', { name: 'deep__deep' }))).toBe('upstream_protocol')
    expect(gateway.defects).toEqual([])
  })
})

describe.for([
  ['WebSocket', rawWebSocketUpstream],
  ['SSE', rawSseUpstream],
] as const)('a %s server that nests 200,000 levels deep', ([, start]) => {
  it('loses its channel, and the gateway lives', async () => {
    const deep = (peer: UpstreamPeer) =>
      peer.raw(`{"jsonrpc":"2.0","method":"notifications/message","params":{"x":${nested(200_000)}}}`)
    await using upstream = await start({ calls: { deep } })
    await using gateway = await startRawGateway({ servers: [{ name: 'deep', transport: upstream.transport }] })
    const client = await openLegacy(gateway)
    expect(codeOf(await client.request('tools/call', { name: 'deep__deep' }))).toBe('upstream_protocol')
    expect(gateway.defects).toEqual([])
  })
})
