/** Servers that the gateway runs: started when they are needed, started again when they die, and never left behind. */
import { describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { callTold, isAlive, pidFrom, toldServer } from '../support/raw/stdio-server.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

/** Each test its own gateway, so that they can wait at the same time. */
async function startLab() {
  const gateway = await startGateway({
    servers: {
      told: toldServer(),
      idle: { ...toldServer(), idleStopMs: 100 },
      broken: { command: '/no/such/program' },
    },
    policies: { all: { default: 'execute' } },
    tokens: [{ name: 'keeper', secret: tokenFor('keeper'), policies: ['all'] }],
  })
  return {
    gateway,
    at: (server: string) => ({ url: `${gateway.url}/${server}/mcp`, token: tokenFor('keeper') }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

type Lab = { gateway: GatewayProcess; at: Awaited<ReturnType<typeof startLab>>['at'] }

/** A child and its own child; killed at the end, should the gateway have left them. */
async function startBoth({ at }: Lab): Promise<Disposable & { pids: number[] }> {
  const pids = [await pidFrom(at('told'), 'pid'), await pidFrom(at('told'), 'grandchild')]
  expect(pids.map(isAlive)).toEqual([true, true])
  const kill = (): void => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL')
  }
  return { pids, [Symbol.dispose]: kill }
}

const untilGone = (pids: number[]): Promise<void> =>
  until(`processes ${pids.join()} are gone`, () => !pids.some(isAlive), { timeoutMs: 8_000 })

describe.concurrent('a child that nobody uses', () => {
  it('is stopped after its idle time, and the next call has a new one', async () => {
    await using lab = await startLab()
    const { at } = lab
    const before = await pidFrom(at('idle'), 'pid')
    await untilGone([before])
    const after = await pidFrom(at('idle'), 'pid')
    expect(after).not.toBe(before)
  })
})

describe.concurrent('a child that crashes', () => {
  it('costs the call that it had, and the next call has a new one', async () => {
    await using lab = await startLab()
    const { at } = lab
    const before = await pidFrom(at('told'), 'pid')
    const { error } = await callTold(at('told'), 'crash')
    expect(error).toMatchObject({ code: -32010, data: { code: 'upstream_closed' } })
    const after = await pidFrom(at('told'), 'pid')
    expect(after).not.toBe(before)
    expect(isAlive(before)).toBe(false)
  })

  it('again and again is started with growing pauses, which are told, and works once it stays up', async () => {
    await using lab = await startLab()
    const { at } = lab
    for (let crash = 0; crash < 3; crash++) {
      await until(
        'it is started again',
        async () => (await callTold(at('told'), 'crash')).error?.data?.['retryAfterMs'] === undefined,
      )
    }
    const { error } = await callTold(at('told'), 'pid')
    expect(error?.data?.['retryAfterMs']).toBeGreaterThan(200)
    await until('it works', async () => (await callTold(at('told'), 'pid')).result !== undefined)
    expect(isAlive(await pidFrom(at('told'), 'pid'))).toBe(true)
  })

  it('does not disturb the others', async () => {
    await using lab = await startLab()
    const { at } = lab
    const other = await pidFrom(at('idle'), 'pid')
    await callTold(at('told'), 'crash')
    expect(await pidFrom(at('idle'), 'pid')).toBe(other)
  })
})

describe.concurrent('a program that does not exist', () => {
  it('is an error of its own server, named in the log', async () => {
    await using lab = await startLab()
    const { gateway, at } = lab
    const { error } = await callTold(at('broken'), 'pid')
    expect(error).toMatchObject({ code: -32010, data: { code: 'upstream_unreachable' } })
    await gateway.untilLogged('broken')
    expect(await pidFrom(at('told'), 'pid')).toBeGreaterThan(0)
  })
})

describe.concurrent('when the gateway ends', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s, no child and no grandchild is left', async (signal) => {
    await using lab = await startLab()
    const { gateway } = lab
    using both = await startBoth(lab)
    const { pids } = both
    gateway.signal(signal)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('by SIGKILL, no child and no grandchild is left', async () => {
    await using lab = await startLab()
    const { gateway } = lab
    using both = await startBoth(lab)
    const { pids } = both
    gateway.signal('SIGKILL')
    await gateway.exited
    await untilGone(pids)
    expect(pids.filter(isAlive)).toEqual([])
  })
})
