import { expect, test } from 'vitest'
import { auditEvent } from '#test/contracts/audit-log.ts'
import { createWhoFinder, whoColumnOf } from './audit-who.ts'

const who = { principalId: 'usr_1', tokenId: 'tok_1', sessionId: '' }

test('events of the same one name the same row, whoever was in between', () => {
  const find = createWhoFinder()
  const first = find(auditEvent(1, who))
  expect(find(auditEvent(2, who))).toBe(first)
  expect(find(auditEvent(3, { ...who, tokenId: 'tok_2' })).id).not.toBe(first.id)
  expect(find(auditEvent(4, who))).toBe(first)
})

test.each(Object.keys(whoColumnOf))('another %s is another one', (key) => {
  const find = createWhoFinder()
  const event = auditEvent(1, who)
  expect(find({ ...event, [key]: 'agent' }).id).not.toBe(find(event).id)
})

test('every process finds the same id, and none takes one part for another', () => {
  const ids = [
    { tokenId: 'a', tokenName: 'b' },
    { tokenId: 'a","b', tokenName: '' },
    { tokenId: 'ab', tokenName: '' },
  ].map((own) => [createWhoFinder(), createWhoFinder()].map((find) => find(auditEvent(1, own)).id))
  for (const [one, other] of ids) expect(one).toBe(other)
  expect(new Set(ids.flat()).size).toBe(3)
})
