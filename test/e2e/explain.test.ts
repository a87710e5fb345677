/** Asking why, over the management API. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startManagedGateway, type ManagedGateway } from '../support/management.ts'

let gateway: ManagedGateway

beforeAll(async () => {
  const rules = [{ server: 'bank', tool: 'pay', level: 'execute', conditions: [{ path: '$.amount', lte: 100 }] }]
  gateway = await startManagedGateway({
    servers: { bank: { url: 'http://127.0.0.1:9/mcp', aliases: ['till'] } },
    policies: { payer: { default: 'read', rules } },
  })
  await gateway.api('POST', '/tokens', { body: { name: 'ci', policies: ['payer'] } })
})
afterAll(() => gateway?.[Symbol.asyncDispose]())

const explain = (args?: string) => {
  const query = new URLSearchParams({
    token: 'ci',
    server: 'till',
    tool: 'pay',
    ...(args === undefined ? {} : { args }),
  })
  return gateway.api('GET', `/access/explain?${query.toString()}`)
}

it('says that a call depends on its arguments, where none are given', async () => {
  expect((await explain()).body).toMatchObject({ server: 'bank', isCallable: true, isConditional: true })
})

it.each([
  ['{"amount":100}', true],
  ['{"amount":101}', false],
  ['{}', false],
])('says of a call with %s what becomes of it, and by which rule', async (args, isCallable) => {
  const { body } = await explain(args)
  expect(body).toMatchObject({ isCallable, isListed: true, isConditional: false })
  expect(body).toMatchObject({ explanation: { rules: [{ effect: isCallable ? 'decides' : 'does_not_count' }] } })
})

it.each(['', '{', '[]', 'null', '"x"', '{"a":'.repeat(100)])('refuses %j, which are no arguments', async (args) => {
  expect(await explain(args)).toMatchObject({ status: 400, body: { code: 'invalid_params' } })
})
