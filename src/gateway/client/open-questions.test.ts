import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, Question, RpcMessage, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { OpenQuestions } from './open-questions.ts'

let clock: FakeClock
let sent: RpcMessage[]
/** What each who asked was told. */
let told: { by: string; params: JsonObject | undefined }[]
const send = (message: RpcMessage): void => void sent.push(message)

beforeEach(() => {
  clock = new FakeClock()
  sent = []
  told = []
})

const open = (sessionId = 'mcp_1') => new OpenQuestions({ clock, askTimeoutMs: 1_000, sessionId, firstId: 1 })

/** An upstream's question with its own token. */
function question(by: string, progressToken: unknown): Question {
  return {
    method: 'elicitation/create',
    params: { message: 'really?', _meta: { progressToken, trace: 't' } },
    progressed: ({ params }) => void told.push({ by, params }),
  }
}

const progress = (params: JsonObject): RpcNotification => ({ jsonrpc: '2.0', method: 'notifications/progress', params })

/** The token that the client was given with its latest question. */
function tokenSent(): unknown {
  const message = sent.at(-1)
  const params = message && 'params' in message ? message.params : undefined
  return (params?.['_meta'] as JsonObject | undefined)?.['progressToken']
}

describe('the client’s progress with a question', () => {
  it('reaches who asked, with the token that it chose, and all that the client says', () => {
    const questions = open()
    void questions.ask(send, question('files', 7))
    questions.progressed(progress({ progressToken: tokenSent(), progress: 0.5, message: 'reading', extra: [1] }))
    expect(told).toEqual([{ by: 'files', params: { progressToken: 7, progress: 0.5, message: 'reading', extra: [1] } }])
  })

  it('is told apart where two upstreams chose the same token', () => {
    const questions = open()
    void questions.ask(send, question('files', 1))
    const first = tokenSent()
    void questions.ask(send, question('mail', 1))
    expect(tokenSent()).not.toBe(first)
    questions.progressed(progress({ progressToken: first, progress: 1 }))
    expect(told).toEqual([{ by: 'files', params: { progressToken: 1, progress: 1 } }])
  })

  it('leaves the rest of the question as it was asked', () => {
    void open().ask(send, question('files', 7))
    expect(sent).toMatchObject([{ id: 1, params: { message: 'really?', _meta: { trace: 't' } } }])
  })

  it('is not taken with the upstream’s own token, nor with one that nobody gave', () => {
    const questions = open()
    void questions.ask(send, question('files', 7))
    for (const progressToken of [7, 1, '1', '', undefined, null, {}])
      questions.progressed(progress({ progressToken, progress: 1 }))
    questions.progressed({ jsonrpc: '2.0', method: 'notifications/progress' })
    expect(told).toEqual([])
  })

  it('is not taken from another session, nor from a later one of the same client', () => {
    const [one, other] = [open('mcp_1'), open('mcp_2')]
    void one.ask(send, question('files', 7))
    const token = tokenSent()
    void other.ask(send, question('mail', 7))
    other.progressed(progress({ progressToken: token, progress: 1 }))
    expect(told).toEqual([])
  })

  it.each<[string, (questions: OpenQuestions, cancellation: Cancellation) => unknown]>([
    ['the answer', (questions) => questions.answer(1, { result: {} })],
    ['the end of the session', (questions) => questions.end({ result: {} })],
    ['the end of the call that asks', (_questions, cancellation) => cancellation.cancel()],
    ['the time for an answer', () => clock.advance(1_000)],
  ])('is not taken after %s', async (_end, end) => {
    const questions = open()
    const cancellation = new Cancellation()
    void questions.ask(send, question('files', 7), cancellation)
    const token = tokenSent()
    await end(questions, cancellation)
    questions.progressed(progress({ progressToken: token, progress: 1 }))
    expect(told).toEqual([])
    expect(clock.waiting).toBe(0)
  })

  it('does not lengthen the time for an answer', async () => {
    const questions = open()
    const asked = questions.ask(send, question('files', 7))
    await clock.advance(999)
    questions.progressed(progress({ progressToken: tokenSent(), progress: 1 }))
    await clock.advance(1)
    expect(await asked).toMatchObject({ error: { data: { reason: 'no answer in time' } } })
  })

  it('is not asked for where who asks cannot be told: a modern server asks in a result', () => {
    const { progressed: _progressed, ...modern } = question('files', 7)
    void open().ask(send, modern)
    expect(sent).toEqual([
      { jsonrpc: '2.0', id: 1, method: modern.method, params: { message: 'really?', _meta: { trace: 't' } } },
    ])
  })

  it('is not asked for where nobody wants it', () => {
    void open().ask(send, { method: 'roots/list', params: { _meta: { trace: 't' } } })
    expect(sent).toEqual([{ jsonrpc: '2.0', id: 1, method: 'roots/list', params: { _meta: { trace: 't' } } }])
  })
})
