import { describe, expect, it } from 'vitest'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { RequestStates } from './request-states.ts'

const states = new RequestStates({ hash: hashToken, randomId })
const invalid = 'The requestState is unknown, expired, or belongs to another request.'

describe('a sealed state', () => {
  it.for(['', 'plain', 'with.dots.in.it', '{"a":"b"}', 'größe\n💥', 'x'.repeat(100_000)])(
    'opens as it was: %#',
    (state) => {
      expect(states.open(states.seal(state, 'a'), 'a')).toBe(state)
    },
  )

  it('opens for nobody else, and with no other gateway’s key', () => {
    const sealed = states.seal('state', 'a')
    expect(() => states.open(sealed, 'b')).toThrow(invalid)
    expect(() => new RequestStates({ hash: hashToken, randomId }).open(sealed, 'a')).toThrow(invalid)
  })

  it('opens with every gateway that has the same secret, also while one secret follows another', () => {
    const having = (...stateSecrets: string[]) => new RequestStates({ hash: hashToken, randomId, stateSecrets })
    const [before, during, after] = [having('old'), having('new', 'old'), having('new')]
    expect(having('old').open(before.seal('state', 'a'), 'a')).toBe('state')
    expect(during.open(before.seal('state', 'a'), 'a')).toBe('state')
    expect(after.open(during.seal('state', 'a'), 'a')).toBe('state')
    expect(() => after.open(before.seal('state', 'a'), 'a')).toThrow(invalid)
    expect(() => during.open(before.seal('state', 'a'), 'b')).toThrow(invalid)
  })

  it.for([undefined, null, 5, {}, [], '', 'state', '.', '.state', 'a.state', `${'0'.repeat(64)}.state`])(
    'cannot be made up: %j',
    (made) => {
      expect(() => states.open(made, 'a')).toThrow(invalid)
    },
  )

  it('cannot be changed', () => {
    const sealed = states.seal('state', 'a')
    for (const changed of [
      `${sealed}x`,
      sealed.slice(0, -1),
      sealed.toUpperCase(),
      ` ${sealed}`,
      sealed.replace('.', '..'),
    ])
      expect(() => states.open(changed, 'a')).toThrow(invalid)
  })
})

describe('an answer', () => {
  const asking = { resultType: 'input_required', inputRequests: {}, requestState: 'state', other: 1 }
  const raw = (result: unknown): Answer => ({
    raw: JSON.stringify({ jsonrpc: '2.0', id: 1, result }),
    encoding: 'utf8',
    ending: 'ok',
  })
  const stateOf = (answer: Answer): unknown => ('result' in answer ? answer.result['requestState'] : undefined)

  it('that asks for input has its state sealed, raw or not, and keeps the rest', () => {
    for (const answer of [{ result: asking }, raw(asking)]) {
      const sealed = states.sealAnswer(answer, () => 'a')
      expect(sealed).toMatchObject({ result: { ...asking, requestState: expect.any(String) } })
      expect(states.open(stateOf(sealed), 'a')).toBe('state')
    }
  })

  it('that only speaks of a state is left as it is', () => {
    const plain: Answer[] = [
      raw({ content: [{ type: 'text', text: '"requestState"' }] }),
      raw({ ...asking, resultType: 'complete' }),
      raw({ ...asking, requestState: 5 }),
      { result: { ...asking, resultType: 'task' } },
      { error: { code: 1, message: 'no' } },
      { raw: '{"requestState" broken', encoding: 'utf8', ending: 'ok' },
    ]
    for (const answer of plain) expect(states.sealAnswer(answer, () => 'a')).toBe(answer)
  })
})
