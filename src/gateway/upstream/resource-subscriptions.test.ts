import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { Outcome } from '#core/protocol/json-rpc.ts'
import { failureOf } from '#test/support/failure.ts'
import { settled } from '#test/support/fake-clock.ts'
import { ResourceSubscriptions } from './resource-subscriptions.ts'

const refusal: Outcome = { error: { code: -32002, message: 'Resource not found' } }

function lab() {
  const asked: string[] = []
  const open: PromiseWithResolvers<Outcome>[] = []
  const subscriptions = new ResourceSubscriptions((method, uri) => {
    asked.push(`${method === 'resources/subscribe' ? '+' : '-'}${uri}`)
    const request = Promise.withResolvers<Outcome>()
    open.push(request)
    return request.promise
  })
  const answer = async (outcome: Outcome = { result: {} }): Promise<void> => {
    open.shift()?.resolve(outcome)
    await settled()
  }
  const fail = async (error = new GatewayError('upstream_timeout')): Promise<void> => {
    open.shift()?.reject(error)
    await settled()
  }
  return { asked, subscriptions, answer, fail }
}

describe('what is wished', () => {
  it('is asked for one thing at a time, and ends with what was wished last', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a', 'b'])
    expect(asked).toEqual(['+a'])
    subscriptions.set(['c'])
    for (let i = 0; i < 5; i++) await answer()
    expect(asked.toSorted()).toEqual(['+a', '+c', '-a'])
    subscriptions.set([])
    await answer()
    expect(asked.at(-1)).toBe('-c')
    expect(asked).toHaveLength(4)
  })

  it('is not asked for again where it is had', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    await answer()
    subscriptions.set(['a'])
    expect(asked).toEqual(['+a'])
  })

  it('is not asked for again where it was refused, and what was refused is not given up', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a', 'b'])
    await answer(refusal)
    await answer()
    subscriptions.set(['a', 'b'])
    subscriptions.set(['b'])
    expect(asked).toEqual(['+a', '+b'])
  })

  it('is given up where no answer came: the upstream may have taken it', async () => {
    const { asked, subscriptions, fail } = lab()
    subscriptions.set(['a'])
    await fail()
    subscriptions.set(['a'])
    expect(asked).toEqual(['+a'])
    subscriptions.set([])
    expect(asked).toEqual(['+a', '-a'])
  })

  it('is asked for again after it was given up, and not before that is answered', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    await answer()
    subscriptions.set([])
    subscriptions.set(['a'])
    expect(asked).toEqual(['+a', '-a'])
    await answer()
    expect(asked).toEqual(['+a', '-a', '+a'])
  })
})

describe('a client that waits for the answer', () => {
  it.each<[string, Outcome]>([
    ['agreement', { result: { _meta: { a: 1 } } }],
    ['refusal', refusal],
  ])('gets the upstream’s %s', async (_what, outcome) => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    const [one, other] = [subscriptions.subscribe('a'), subscriptions.subscribe('a')]
    await answer(outcome)
    expect(await Promise.all([one, other])).toEqual([outcome, outcome])
    expect(asked).toEqual(['+a'])
  })

  it('does not wait for the resources of others', async () => {
    const { asked, subscriptions } = lab()
    subscriptions.set(['slow', 'other', 'a'])
    void subscriptions.subscribe('a')
    expect(asked).toEqual(['+slow', '+a'])
  })

  it('is answered at once where the upstream has agreed before', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    await answer()
    expect(await subscriptions.subscribe('a')).toEqual({ result: {} })
    expect(asked).toEqual(['+a'])
  })

  it('has the upstream asked again where it refused before, or did not answer', async () => {
    const { asked, subscriptions, answer, fail } = lab()
    subscriptions.set(['a'])
    await answer(refusal)
    const second = subscriptions.subscribe('a')
    await Promise.all([failureOf(second), fail()])
    const third = subscriptions.subscribe('a')
    await answer()
    expect(await third).toEqual({ result: {} })
    expect(asked).toEqual(['+a', '+a', '+a'])
  })

  it('is told why there is none', async () => {
    const { subscriptions, fail } = lab()
    subscriptions.set(['a'])
    const failure = failureOf(subscriptions.subscribe('a'))
    await fail(new GatewayError('upstream_closed'))
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
  })

  it('waits until the upstream has let go of what is wished anew', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    await answer()
    subscriptions.set([])
    subscriptions.set(['a'])
    const anew = subscriptions.subscribe('a')
    await answer()
    await answer()
    expect(await anew).toEqual({ result: {} })
    expect(asked).toEqual(['+a', '-a', '+a'])
  })

  it('gets none for what is not wished, or no longer', async () => {
    const { asked, subscriptions, answer } = lab()
    expect(await failureOf(subscriptions.subscribe('a'))).toMatchObject({ code: 'request_cancelled' })
    subscriptions.set(['a'])
    await answer()
    subscriptions.set([])
    const failure = failureOf(subscriptions.subscribe('a'))
    await answer()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    expect(asked).toEqual(['+a', '-a'])
  })
})

it('asks for nothing more once its session has ended', async () => {
  const { asked, subscriptions, fail } = lab()
  subscriptions.set(['a', 'b'])
  subscriptions.end()
  await fail(new GatewayError('upstream_closed'))
  subscriptions.set(['c'])
  expect(await failureOf(subscriptions.subscribe('c'))).toMatchObject({ code: 'upstream_closed' })
  expect(asked).toEqual(['+a'])
})
