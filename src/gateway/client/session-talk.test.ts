import { beforeEach, describe, expect, it } from 'vitest'
import { busMessageCharsMax } from '#core/bus/bus-message.ts'
import type { JsonObject, RpcMessage } from '#core/protocol/json-rpc.ts'
import { settled } from '#test/support/fake-clock.ts'
import { ReplicaLab, saidOf, type LabReplica } from '#test/support/replica-lab.ts'
import type { ClientSession } from './client-session.ts'

const ping: RpcMessage = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'x' } }
const id = 'mcp_1'
let lab: ReplicaLab
let one: LabReplica
let two: LabReplica

beforeEach(async () => {
  lab = new ReplicaLab()
  ;({ one, two } = lab)
  await settled()
})

describe('the stream that the client holds', () => {
  const heardBy = (replica: LabReplica, own: ClientSession): { heard: RpcMessage[]; close: () => void } => {
    const heard: RpcMessage[] = []
    const close = replica.shared.listen(own, (message) => heard.push(message))
    return { heard, close }
  }

  it('carries what either replica has to say', async () => {
    const [first, second] = await lab.onBoth()
    const { heard } = heardBy(one, first)
    await settled()
    second.hear(ping)
    await settled()
    expect(heard).toEqual([ping])
    expect([second.isListening, second.isHeardHere, second.isBusy]).toEqual([true, false, false])
  })

  it('is the newest one, also where the clocks disagree', async () => {
    const [first, second] = await lab.onBoth()
    const late = heardBy(one, first)
    await settled()
    // The other replica's clock goes after this one's.
    await lab.clock.advance(-500)
    const { heard } = heardBy(two, second)
    await settled()
    for (const own of [first, second]) own.hear(ping)
    await settled()
    expect([heard, late.heard]).toEqual([[ping, ping], []])
    late.close()
    await settled()
    first.hear(ping)
    await settled()
    expect(heard).toHaveLength(3)
  })

  it('is one of the two where both are opened at once, and nothing goes in circles', async () => {
    const [first, second] = await lab.onBoth()
    const streams = [heardBy(one, first), heardBy(two, second)]
    await settled()
    for (const own of [first, second]) own.hear(ping)
    await settled()
    expect(streams.map(({ heard }) => heard.length).toSorted((a, b) => a - b)).toEqual([0, 2])
    expect([...saidOf(one, 'tell'), ...saidOf(two, 'tell')]).toHaveLength(1)
  })

  it('is found by a replica that comes later', async () => {
    const first = lab.session()
    await one.shared.share(first)
    const { heard } = heardBy(one, first)
    const second = lab.session({ firstQuestionId: 1_000 })
    two.shared.join(second)
    await settled()
    second.hear(ping)
    await settled()
    expect(heard).toEqual([ping])
  })

  it('is found again after a gap', async () => {
    const [first, second] = await lab.onBoth()
    two.bus.leave()
    const { heard } = heardBy(one, first)
    await settled()
    expect(second.isListening).toBe(false)
    two.bus.comeBack()
    await settled()
    second.hear(ping)
    await settled()
    expect(heard).toEqual([ping])
  })

  it('is none any more when it is closed', async () => {
    const [first, second] = await lab.onBoth()
    const { close } = heardBy(one, first)
    await settled()
    close()
    await settled()
    expect([first.isListening, second.isListening]).toEqual([false, false])
  })

  const question = { method: 'sampling/createMessage', params: {} }
  const unroutable = { error: { data: { code: 'question_unroutable' } } }

  it('ends a question at once where it is held by nobody any more', async () => {
    const [first, second] = await lab.onBoth()
    heardBy(one, first)
    await settled()
    // The replica is gone without a word.
    one.shared.close()
    expect(await second.ask?.('a', question)).toMatchObject(unroutable)
    expect(second.isListening).toBe(false)
  })

  it('ends a question at once where its replica has let the session go', async () => {
    const [first, second] = await lab.onBoth()
    heardBy(one, first)
    await settled()
    first.leave()
    expect(await second.ask?.('a', question)).toMatchObject(unroutable)
    expect(second.isListening).toBe(false)
  })

  it('ends a question at once that is too large to be carried, and stays', async () => {
    const [first, second] = await lab.onBoth()
    const { heard } = heardBy(one, first)
    await settled()
    const large = { ...question, params: { text: 'x'.repeat(busMessageCharsMax) } }
    expect(await second.ask?.('a', large)).toMatchObject(unroutable)
    expect([second.isListening, heard]).toEqual([true, []])
  })

  it('carries a question, and its answer comes back from wherever it comes to', async () => {
    const [first, second] = await lab.onBoth()
    const { heard } = heardBy(one, first)
    await settled()
    const answered = second.ask?.('a', question)
    await settled()
    expect(heard).toMatchObject([{ id: 1_000, method: 'sampling/createMessage' }])
    one.shared.answered(first, 1_000, { result: { role: 'assistant' } })
    expect(await answered).toEqual({ result: { role: 'assistant' } })
  })
})

describe('what is said among replicas', () => {
  it('is taken with care: nothing of it is believed to be well made', async () => {
    const [first, second] = await lab.onBoth()
    const nonsense: JsonObject[] = [
      {},
      { from: 'x' },
      { from: 'x', do: 'toString', id },
      { from: 5, do: 'end', id },
      { from: 'x', do: 'end', id: 5 },
      { from: 'x', do: 'where', ids: 'all' },
      { from: 'x', do: 'where', ids: [1] },
      { from: 'x', do: 'level', id, level: {} },
      { from: 'x', do: 'unwatch', id, server: 'a' },
      { from: 'x', do: 'stream', id, isOpen: true },
      { from: 'x', do: 'stream', id, isOpen: true, claim: { at: 'now', replica: 'x' } },
      { from: 'x', do: 'stream', id, isOpen: true, claim: { at: 1, replica: null } },
      { from: 'x', do: 'said', id, message: { method: 'no version' } },
      { from: 'x', do: 'tell', id, message: 'text' },
      { from: 'x', do: 'deaf', id, question: {} },
    ]
    for (const message of nonsense) await lab.line.publish('mcp-sessions', message)
    await settled()
    for (const own of [first, second]) {
      expect([own.hasEnded, own.isListening, own.facts.logLevel]).toEqual([false, false, undefined])
    }
  })

  it('is not said of sessions that are a connection’s own', async () => {
    const own = lab.session()
    one.shared.noted(own, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } })
    one.shared.answered(own, 9, { result: {} })
    const close = one.shared.listen(own, () => undefined)
    expect(own.isHeardHere).toBe(true)
    close()
    own.end()
    await settled()
    expect(one.bus.published).toEqual([])
    expect(own.isHeardHere).toBe(false)
  })

  it('is no more than is needed', async () => {
    const [first] = await lab.onBoth()
    one.bus.published.length = 0
    one.shared.noted(first, { jsonrpc: '2.0', method: 'notifications/initialized' })
    one.shared.noted(first, { jsonrpc: '2.0', method: 'notifications/anything' })
    expect(one.bus.published).toEqual([])
  })
})
