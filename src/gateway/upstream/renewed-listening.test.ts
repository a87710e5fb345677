/** What belongs to no call is heard on with the credential that is good now, however long nothing was called. */
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeChannelWire } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { FakeCredential } from '#test/support/fake-credential.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { server, upstream, user } from '#test/support/upstreams.ts'
import type { SessionUser } from './session-user.ts'
import type { Upstream } from './upstream.ts'

const ann: SessionUser = user('ann', {}, { userId: 'ann', teamId: null })
const transport = { kind: 'streamable_http', url: 'http://a.example/mcp', credential: { kind: 'none' } } as const
const capabilities = { tools: { listChanged: true } }
const minuteMs = 60_000

let clock: FakeClock
let credential: FakeCredential
let wire: FakeHttpWire
let files: Upstream
/** Bearers that the server refuses by now. */
let refused: Set<string>

/** How each era hears what belongs to no call. */
const streams = {
  legacy: ({ request }: FakeExchange) => request.method === 'GET',
  modern: ({ body }: FakeExchange) => body['method'] === 'subscriptions/listen',
}
type Era = keyof typeof streams

const opened = (era: Era): FakeExchange[] => wire.exchanges.filter((one) => streams[era](one))
const bearersOf = (era: Era): (string | undefined)[] => opened(era).map((one) => one.header('authorization'))

function playing(era: Era): (one: FakeExchange) => void {
  const discovered = { supportedVersions: ['2026-07-28'], capabilities }
  const legacy = legacyHttpScript(capabilities)
  return (one) => {
    if (refused.has(one.header('authorization') ?? '')) one.empty(401)
    else if (streams[era](one)) one.openStream()
    else if (one.body['method'] === 'server/discover' && era === 'modern') one.result(discovered)
    else if (one.body['method'] === 'server/discover') one.empty(400)
    else legacy(one)
  }
}

async function listen(era: Era): Promise<void> {
  wire = new FakeHttpWire(playing(era))
  const wires = { kind: 'http' as const, http: wire, sse: new FakeChannelWire() }
  files = upstream(server('files', { transport, isolation: 'principal', protocol: 'auto' }), {
    clock,
    wires,
    credential,
  })
  await files.place(ann).acquire()
  await settled()
  expect(bearersOf(era)).toEqual(['Bearer one'])
}

beforeEach(() => {
  clock = new FakeClock()
  credential = new FakeCredential()
  credential.connect('ann', 'one')
  refused = new Set()
})

describe.each(['legacy', 'modern'] as const)('a stream of a %s server', (era) => {
  it('that ends is opened again with a token that was renewed in time', async () => {
    await listen(era)
    refused.add('Bearer one')
    credential.replace('ann', 'two')
    opened(era).at(-1)?.end()
    await clock.advance(minuteMs)
    expect(bearersOf(era)).toEqual(['Bearer one', 'Bearer two'])
  })

  it('that is refused waits for another token, and sends the one that was refused no more', async () => {
    await listen(era)
    refused.add('Bearer one')
    opened(era).at(-1)?.end()
    await clock.advance(minuteMs)
    expect(bearersOf(era)).toEqual(['Bearer one', 'Bearer one'])
    expect(credential.refusals).toEqual([])
    credential.replace('ann', 'two')
    await clock.advance(2 * minuteMs)
    expect(bearersOf(era)).toEqual(['Bearer one', 'Bearer one', 'Bearer two'])
  })

  it('is not opened again for who has no credential any more', async () => {
    await listen(era)
    credential.disconnect('ann')
    opened(era).at(-1)?.end()
    await clock.advance(minuteMs)
    expect(bearersOf(era)).toEqual(['Bearer one'])
  })
})
