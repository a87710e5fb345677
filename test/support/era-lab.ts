/** One gateway in front of upstreams of both eras: the ground of every test that must hold in all four quadrants. */
import { startFixture } from '../conformance/fixture-server.ts'
import { startGateway, type GatewayProcess } from './gateway-process.ts'
import type { Era, RawOptions } from './raw/exchange.ts'
import type { Address } from './raw/client.ts'
import { startRawUpstream, type RawUpstream } from './raw/http-upstream.ts'
import { tokenFor } from './tokens.ts'

export type Quadrant = { client: Era; upstream: Era }

export const quadrants: readonly Quadrant[] = [
  { client: 'legacy', upstream: 'legacy' },
  { client: 'legacy', upstream: 'modern' },
  { client: 'modern', upstream: 'legacy' },
  { client: 'modern', upstream: 'modern' },
]

export type EraLab = AsyncDisposable & {
  gateway: GatewayProcess
  /** By era: an upstream that says exactly what it is told to. */
  raw: Record<Era, RawUpstream>
  /** Where one upstream of this era stands alone: the raw one, or the SDK's that knows every feature. */
  at(kind: 'raw' | 'fixture', era: Era): Address
  everywhere: Address
}

export async function startEraLab(options: RawOptions = {}): Promise<EraLab> {
  await using starting = new AsyncDisposableStack()
  const [legacyFixture, modernFixture] = [
    starting.use(await startFixture({ era: 'legacy' })),
    starting.use(await startFixture({ era: 'modern' })),
  ]
  const raw = {
    legacy: starting.use(await startRawUpstream(['legacy'], options)),
    modern: starting.use(await startRawUpstream(['modern'], options)),
  }
  const token = tokenFor('lab')
  const gateway = starting.use(
    await startGateway({
      servers: {
        'fixture-legacy': { url: legacyFixture.url },
        'fixture-modern': { url: modernFixture.url },
        'raw-legacy': { url: raw.legacy.url },
        'raw-modern': { url: raw.modern.url },
      },
      policies: { all: { default: 'execute' } },
      tokens: [{ name: 'lab', secret: token, policies: ['all'] }],
    }),
  )
  const started = starting.move()
  return {
    gateway,
    raw,
    at: (kind, era) => ({ url: `${gateway.url}/${kind}-${era}/mcp`, token }),
    everywhere: { url: `${gateway.url}/mcp`, token },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
