/** A server asks its client something in the middle of a call: the gateway asks in the words of the client's era. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quadrants, startEraLab, type EraLab, type Quadrant } from '../support/era-lab.ts'
import { LegacySession, askModern } from '../support/raw/client.ts'
import { RpcFailure, textResult, tool, type Json, type RawCall } from '../support/raw/exchange.ts'
import { connectV2, type V2Options } from '../support/sdk-clients.ts'

let lab: EraLab

const url = 'https://example.com/pay?order=7'
const payment = { mode: 'url', message: 'Please pay', url }

beforeAll(async () => {
  lab = await startEraLab({
    handlers: {
      'tools/list': () => ({ tools: [tool('pay'), tool('pay-first'), tool('ask-roots')] }),
      'tools/call': (call) => {
        const name = String(call.params['name'])
        if (name === 'ask-roots') return askFor(call, { method: 'roots/list', params: {} })
        if (name === 'pay-first' && call.era === 'legacy') return payFirst(call)
        return askFor(call, { method: 'elicitation/create', params: payment })
      },
    },
  })
})

afterAll(() => lab[Symbol.asyncDispose]())

/** Asks as the era does, and answers with what it was told. */
async function askFor(call: RawCall, question: { method: string; params: Json }): Promise<Json> {
  if (call.era === 'legacy') {
    const elicitationId = question.params['mode'] === 'url' ? { elicitationId: 'pay-7' } : {}
    const answer = await call.ask(question.method, { ...question.params, ...elicitationId })
    return textResult(JSON.stringify(answer['result'] ?? answer['error']))
  }
  const told = (call.params['inputResponses'] as Json | undefined)?.['it']
  if (told === undefined) return { resultType: 'input_required', inputRequests: { it: question }, requestState: 'r' }
  return textResult(JSON.stringify(told))
}

let isPaid = false
/** 2025-11-25: a server may refuse until a page has been visited. */
function payFirst(call: RawCall): Json {
  if (isPaid) return textResult(`paid ${String(call.params['name'])}`)
  isPaid = true
  throw new RpcFailure(-32042, 'pay first', { elicitations: [{ ...payment, elicitationId: 'pay-7' }] })
}

const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } }

function connect(kind: 'raw' | 'fixture', { client, upstream }: Quadrant, options: Partial<V2Options> = {}) {
  return connectV2('http', lab.at(kind, upstream), { era: client, capabilities, ...options })
}

const textOf = (result: { content: unknown }): string => (result.content as { text: string }[])[0]?.text ?? ''

describe.each(quadrants)('a $client client of a $upstream server', (quadrant) => {
  it('is asked with a form, and its answer reaches the tool', async () => {
    await using client = await connect('fixture', quadrant)
    const asked: unknown[] = []
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params)
      return { action: 'accept', content: { username: 'ada', email: 'ada@example.com' } }
    })
    const result = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who are you?' } })
    expect(asked).toMatchObject([{ message: 'Who are you?', requestedSchema: { required: ['username', 'email'] } }])
    expect(textOf(result)).toContain('ada@example.com')
  })

  it('declines, and the tool is told so', async () => {
    await using client = await connect('fixture', quadrant)
    client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }))
    const result = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who are you?' } })
    expect(textOf(result)).toContain('decline')
  })

  it('is asked to visit a URL', async () => {
    await using client = await connect('raw', quadrant)
    const asked: Json[] = []
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params)
      return { action: 'accept' }
    })
    const result = await client.callTool({ name: 'pay' })
    expect(asked).toMatchObject([{ mode: 'url', message: 'Please pay', url }])
    expect(typeof asked[0]?.['elicitationId']).toBe(quadrant.client === 'legacy' ? 'string' : 'undefined')
    expect(JSON.parse(textOf(result))).toMatchObject({ action: 'accept' })
  })

  it('is asked for a completion by its model', async () => {
    await using client = await connect('fixture', quadrant)
    client.setRequestHandler('sampling/createMessage', ({ params }) => {
      const question = JSON.stringify(params.messages)
      return { role: 'assistant', model: 'm', content: { type: 'text', text: `answer to ${question}` } }
    })
    const result = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'How tall is it?' } })
    expect(textOf(result)).toContain('How tall is it?')
    expect(textOf(result)).toContain('answer to')
  })

  it('is asked for its roots', async () => {
    await using client = await connect('raw', quadrant)
    client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }))
    const result = await client.callTool({ name: 'ask-roots' })
    expect(JSON.parse(textOf(result))).toMatchObject({ roots: [{ uri: 'file:///work', name: 'work' }] })
  })

  it('is asked twice, one question after the other', async () => {
    await using client = await connect('fixture', quadrant)
    const asked: string[] = []
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: { name: 'ada', color: 'green' } }
    })
    const result = await client.callTool({ name: 'test_input_required_result_multi_round' })
    expect(asked).toEqual(['Step 1: What is your name?', 'Step 2: What is your favorite color?'])
    expect(textOf(result)).toBe('Both steps answered')
  })

  it('is asked three things at once', async () => {
    await using client = await connect('fixture', quadrant)
    const asked: string[] = []
    client.setRequestHandler('elicitation/create', () => {
      asked.push('elicitation')
      return { action: 'accept', content: { name: 'ada' } }
    })
    client.setRequestHandler('sampling/createMessage', () => {
      asked.push('sampling')
      return { role: 'assistant', model: 'm', content: { type: 'text', text: 'hello' } }
    })
    client.setRequestHandler('roots/list', () => {
      asked.push('roots')
      return { roots: [] }
    })
    const result = await client.callTool({ name: 'test_input_required_result_multiple_inputs' })
    expect(asked.toSorted()).toEqual(['elicitation', 'roots', 'sampling'])
    expect(textOf(result)).toBe('Answered: user_name, greeting, client_roots')
  })

  it('is not asked for what it did not declare, and its call ends', async () => {
    await using client = await connect('raw', quadrant, { capabilities: {} })
    const ending = await client.callTool({ name: 'ask-roots' }).then(textOf, String)
    expect(ending).not.toBe('')
    expect(ending).not.toContain('"roots"')
  })
})

describe('a server that wants a page visited before it takes a call', () => {
  it('is called again by a modern client after the visit', async () => {
    isPaid = false
    await using client = await connect('raw', { client: 'modern', upstream: 'legacy' })
    const asked: unknown[] = []
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params)
      return { action: 'accept' }
    })
    expect(textOf(await client.callTool({ name: 'pay-first' }))).toBe('paid pay-first')
    expect(asked).toMatchObject([{ mode: 'url', url }])
  })

  it('refuses a legacy client in the words that its revision has', async () => {
    isPaid = false
    await using client = await LegacySession.open(lab.at('raw', 'legacy'), capabilities)
    const { error } = await client.ask('tools/call', { name: 'pay-first', arguments: {} })
    expect(error).toMatchObject({ code: -32042, data: { elicitations: [{ url, elicitationId: 'pay-7' }] } })
  })
})

describe('a call that waits inside a legacy server for the answer of a modern client', () => {
  const call = { method: 'tools/call', params: { name: 'ask-roots', arguments: {} }, capabilities }

  it('ends for whoever repeats the request with the answer', async () => {
    const to = lab.at('raw', 'legacy')
    const first = await askModern(to, call)
    expect(first.result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
    const [key] = Object.keys(first.result?.['inputRequests'] ?? {})
    const answer = { inputResponses: { [String(key)]: { roots: [] } }, requestState: first.result?.['requestState'] }
    const second = await askModern(to, { ...call, params: { ...call.params, ...answer } })
    expect(second.result).toMatchObject({ resultType: 'complete', content: [{ text: '{"roots":[]}' }] })
    const third = await askModern(to, { ...call, params: { ...call.params, ...answer } })
    expect(third.error).toMatchObject({ code: -32602 })
  })

  it('does not end for a request that differs from the first', async () => {
    const to = lab.at('raw', 'legacy')
    const first = await askModern(to, call)
    const [key] = Object.keys(first.result?.['inputRequests'] ?? {})
    const answer = { inputResponses: { [String(key)]: { roots: [] } }, requestState: first.result?.['requestState'] }
    const other = await askModern(to, { ...call, params: { name: 'pay', arguments: {}, ...answer } })
    expect(other.error).toMatchObject({ code: -32602 })
  })
})
