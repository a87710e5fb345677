import { describe, expect, it } from 'vitest'
import type { JsonObject, Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'
import { settled } from '#test/support/fake-clock.ts'
import { answerQuestion } from './answer-question.ts'

const request = (params?: JsonObject) => ({
  jsonrpc: '2.0' as const,
  id: 'q',
  method: 'elicitation/create',
  ...(params && { params }),
})
const wanting = { message: 'really?', _meta: { progressToken: 7 } }
const progress = (value: number): RpcNotification => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 7, progress: value },
})

/** An upstream that takes each message when the test says so. */
function lab() {
  const said: JsonObject[] = []
  const untaken: (() => void)[] = []
  const asked: Question[] = []
  const answer = Promise.withResolvers<Outcome>()
  const ports = {
    say: (message: JsonObject) => {
      said.push(message)
      return new Promise<void>((resolve) => untaken.push(resolve))
    },
    ask: (question: Question) => {
      asked.push(question)
      return answer.promise
    },
  }
  const take = async (): Promise<void> => {
    untaken.shift()?.()
    await settled()
  }
  const what = (): unknown[] =>
    said.map((message) => (message['params'] as JsonObject | undefined)?.['progress'] ?? message['result'])
  return { said, asked, answer, ports, take, what }
}

describe('a question', () => {
  it('is answered under its id', async () => {
    const { said, asked, answer, ports } = lab()
    void answerQuestion(request({ message: 'really?' }), ports)
    expect(asked).toEqual([{ method: 'elicitation/create', params: { message: 'really?' } }])
    answer.resolve({ result: { action: 'accept' } })
    await settled()
    expect(said).toEqual([{ jsonrpc: '2.0', id: 'q', result: { action: 'accept' } }])
  })

  it('is answered where asking fails', async () => {
    const { said, answer, ports } = lab()
    void answerQuestion(request(), ports)
    answer.reject(new Error('a defect'))
    await settled()
    expect(said).toMatchObject([{ id: 'q', error: { data: { code: 'internal' } } }])
  })

  it('is nobody’s but the gateway’s where it is a ping', () => {
    const { said, asked, ports } = lab()
    void answerQuestion({ jsonrpc: '2.0', id: 5, method: 'ping' }, ports)
    expect(said).toEqual([{ jsonrpc: '2.0', id: 5, result: {} }])
    expect(asked).toEqual([])
  })
})

describe('progress with a question', () => {
  it('is said in its order, and before the answer', async () => {
    const { asked, answer, ports, take, what } = lab()
    void answerQuestion(request(wanting), ports)
    asked[0]?.progressed?.(progress(1))
    asked[0]?.progressed?.(progress(2))
    answer.resolve({ result: { done: true } })
    await settled()
    expect(what()).toEqual([1])
    await take()
    expect(what()).toEqual([1, 2])
    await take()
    expect(what()).toEqual([1, 2, { done: true }])
  })

  it('is said as it is', async () => {
    const { said, asked, ports } = lab()
    void answerQuestion(request(wanting), ports)
    asked[0]?.progressed?.(progress(1))
    await settled()
    expect(said).toEqual([progress(1)])
  })

  it('is left out where the upstream does not keep up, and goes on when it does', async () => {
    const { asked, ports, take, what } = lab()
    void answerQuestion(request(wanting), ports)
    for (let value = 0; value < 100; value++) asked[0]?.progressed?.(progress(value))
    for (let i = 0; i < 100; i++) await take()
    asked[0]?.progressed?.(progress(100))
    await settled()
    expect(what()).toEqual([...Array(16).keys(), 100])
  })

  it('is wanted only where the question has a token', () => {
    const { asked, ports } = lab()
    void answerQuestion(request({ _meta: { trace: 't' } }), ports)
    expect(asked[0]).not.toHaveProperty('progressed')
  })
})
