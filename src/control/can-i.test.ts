/** Questions about calls with arguments; what else can be asked is in access-questions.test.ts. */
import { describe, expect, it } from 'vitest'
import { controlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { canI } from './can-i.ts'

const small = { server: 'bank', tool: 'pay', level: 'execute', conditions: [{ path: '$.amount', lte: 100 }] }
const payer = resource('policy', 'payer', { default: 'read', rules: [small] })
const mia = resource('user', 'mia', { policies: [payer.id] })
const bank = resource('server', 'bank')

describe('canI, of a tool whose rules ask for arguments', () => {
  const ask = async (question: Parameters<typeof canI>[2]) => {
    const world = await controlWorld([payer, mia, bank])
    return canI(world.deps, world.as('user', 'mia').actor, question)
  }
  const pay = { server: 'bank', tool: 'pay' }

  it('says that it depends, where none are given', async () => {
    expect(await ask(pay)).toMatchObject({ allowed: true, listed: true, isConditional: true })
  })

  it.each([
    [{ amount: 100 }, true],
    [{ amount: 101 }, false],
    [{}, false],
  ])('says of a call with %j what becomes of it', async (args, allowed) => {
    expect(await ask({ ...pay, args })).toMatchObject({ allowed, listed: true, isConditional: false })
  })

  it('takes arguments of nothing else', async () => {
    expect((await failureOf(ask({ action: 'logs', args: {} }))).code).toBe('invalid_body')
    expect((await failureOf(ask({ args: {} }))).code).toBe('invalid_body')
  })
})
