/** What replicas can ask of each other, whatever bus is between them. */
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#compose/system-clock.ts'
import type { Bus } from '#core/bus/bus.ts'
import { ReplicaAsks, type AskHooks } from '#core/bus/replica-asks.ts'
import { carriedCharsMax } from '#core/bus/replica-frame.ts'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { until } from '#test/support/until.ts'
import { listenOn } from './bus.ts'

const patience = { timeoutMs: 10_000 }

/** `create` gives two replicas' ends of one bus on which nothing has been said yet. */
export function replicaAsksContract(create: () => Promise<[Bus, Bus]>): void {
  describe('replicas that ask each other', { timeout: 20_000 }, () => {
    let both: ReplicaAsks[] = []
    afterEach(() => {
      for (const one of both) one.close()
      both = []
    })

    const open = async (): Promise<[ReplicaAsks, ReplicaAsks]> => {
      const [one, two] = await create()
      const asks = [
        new ReplicaAsks({ bus: one, clock: systemClock, id: 'one' }),
        new ReplicaAsks({ bus: two, clock: systemClock, id: 'two' }),
      ] as const
      both.push(...asks)
      // Both hear, when this does.
      await listenOn(one, 'replicas/one')
      await listenOn(two, 'replicas/two')
      return [...asks]
    }

    const ask = (asks: ReplicaAsks, question: JsonObject, hooks: Partial<AskHooks> = {}) =>
      asks.ask('two', { kind: 'k', question }, { cancellation: new Cancellation(), ...hooks })

    it('are answered', async () => {
      const [one, two] = await open()
      two.serve('k', async (asked) => ({ ...asked, by: 'two' }))
      expect(await ask(one, { text: 'é😀\u0000' })).toEqual({ text: 'é😀\u0000', by: 'two' })
      expect([one.size, two.size]).toEqual([0, 0])
    })

    it('are answered each what it has asked', async () => {
      const [one, two] = await open()
      two.serve('k', async ({ n }) => ({ n }))
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(one, { n })))
      expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })))
    })

    it('hear what is said before the answer, in its order', async () => {
      const [one, two] = await open()
      const heard: unknown[] = []
      two.serve('k', async (_, asker) => {
        for (let n = 0; n < 20; n++) asker.note({ n })
        return {}
      })
      await ask(one, {}, { note: ({ n }) => heard.push(n) })
      expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n))
    })

    it('carry more than the bus does at once, both ways', async () => {
      const [one, two] = await open()
      const large = '"😀\\'.repeat(700_000)
      two.serve('k', async ({ text }) => ({ text, isSame: text === large }))
      const answer = await ask(one, { text: large })
      expect(answer?.['isSame']).toBe(true)
      expect(answer?.['text'] === large).toBe(true)
    })

    it('say so where something is too large to be carried', async () => {
      const [one, two] = await open()
      const text = 'x'.repeat(carriedCharsMax)
      two.serve('k', async () => ({ text }))
      const tooLarge = expect.objectContaining({ code: 'carried_too_large' })
      await expect(ask(one, { text })).rejects.toEqual(tooLarge)
      await expect(ask(one, {})).rejects.toEqual(tooLarge)
      expect([one.size, two.size]).toEqual([0, 0])
    })

    it('hear what failed there, with its code, and nothing of a defect', async () => {
      const [one, two] = await open()
      two.serve('k', async ({ isDefect }) => {
        throw isDefect ? new Error('secret') : new GatewayError('upstream_timeout', { details: { a: 1 } })
      })
      await expect(ask(one, {})).rejects.toMatchObject({ code: 'upstream_timeout', details: { a: 1 } })
      const defect: unknown = await ask(one, { isDefect: true }).catch((error: unknown) => error)
      expect(defect).toMatchObject({ code: 'internal', details: {} })
      expect(JSON.stringify(defect)).not.toContain('secret')
    })

    it('hear at once where nobody is there, or nobody does this', async () => {
      const [one] = await open()
      expect(await ask(one, {})).toBe(null)
      expect(await one.ask('three', { kind: 'k', question: {} }, { cancellation: new Cancellation() })).toBe(null)
    })

    it('are asked back', async () => {
      const [one, two] = await open()
      two.serve('k', async (_, asker) => {
        const answers = await Promise.all([1, 2].map((n) => asker.question({ n })))
        return { answers }
      })
      const answered = await ask(one, {}, { question: async ({ n }) => ({ is: Number(n) * 10 }) })
      expect(answered).toEqual({ answers: [{ is: 10 }, { is: 20 }] })
      await expect(ask(one, {})).rejects.toMatchObject({ code: 'question_unroutable' })
    })

    it('stop what they do not wait for', async () => {
      const [one, two] = await open()
      let asked: Cancellation | undefined
      two.serve('k', (_, { cancellation }) => {
        asked = cancellation
        return new Promise(() => undefined)
      })
      const cancellation = new Cancellation()
      const answer = ask(one, {}, { cancellation })
      await until('it is asked', () => asked !== undefined, patience)
      cancellation.cancel()
      await expect(answer).rejects.toMatchObject({ code: 'request_cancelled' })
      await until('it is stopped', () => asked?.isCancelled === true, patience)
      expect([one.size, two.size]).toEqual([0, 0])
    })

    it('learn that the other one has gone while they wait', async () => {
      const [one, two] = await open()
      let isAsked = false
      two.serve('k', () => {
        isAsked = true
        return new Promise(() => undefined)
      })
      const answer = ask(one, {})
      await until('it is asked', () => isAsked, patience)
      two.close()
      await expect(answer).rejects.toMatchObject({ code: 'replica_lost' })
    })
  })
}
