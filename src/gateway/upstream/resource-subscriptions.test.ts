import { describe, expect, it } from 'vitest'
import { settled } from '#test/support/fake-clock.ts'
import { ResourceSubscriptions } from './resource-subscriptions.ts'

function lab() {
  const asked: string[] = []
  const open: PromiseWithResolvers<unknown>[] = []
  const subscriptions = new ResourceSubscriptions((method, uri) => {
    asked.push(`${method === 'resources/subscribe' ? '+' : '-'}${uri}`)
    const request = Promise.withResolvers<unknown>()
    open.push(request)
    return request.promise
  })
  const answer = async (): Promise<void> => {
    open.shift()?.resolve({})
    await settled()
  }
  return { asked, open, subscriptions, answer }
}

describe('ResourceSubscriptions', () => {
  it('asks one thing at a time, and ends with what was wished last', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a', 'b'])
    expect(asked).toEqual(['+a'])
    subscriptions.set(['c'])
    for (let i = 0; i < 5; i++) await answer()
    expect(asked).toEqual(['+a', '+c', '-a'])
    subscriptions.set([])
    await answer()
    expect(asked).toEqual(['+a', '+c', '-a', '-c'])
  })

  it('asks for nothing that it has', async () => {
    const { asked, subscriptions, answer } = lab()
    subscriptions.set(['a'])
    await answer()
    subscriptions.set(['a'])
    expect(asked).toEqual(['+a'])
  })

  it('does not ask again for what was refused', async () => {
    const { asked, open, subscriptions, answer } = lab()
    subscriptions.set(['a', 'b'])
    open.shift()?.reject(new Error('no'))
    await settled()
    await answer()
    subscriptions.set(['a', 'b'])
    expect(asked).toEqual(['+a', '+b'])
  })
})
