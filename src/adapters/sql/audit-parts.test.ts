import { expect, test } from 'vitest'
import { auditRecord } from '#test/contracts/audit-log.ts'
import { createWhatParts, createWhoParts, SeenParts, whatColumnOf, whoColumnOf } from './audit-parts.ts'

const who = { principalId: 'usr_1', tokenId: 'tok_1', sessionId: '' }
const minuteMs = 60_000

test('events of the same one name the same row, whoever was in between', () => {
  const whos = createWhoParts()
  const { who: same } = auditRecord(1, who)
  const first = whos.find(same)
  expect(whos.find(same)).toBe(first)
  expect(whos.find(auditRecord(3, { ...who, tokenId: 'tok_2' }).who).id).not.toBe(first.id)
  expect(whos.find(same)).toBe(first)
})

test.each(Object.keys(whoColumnOf))('another %s is another one', (key) => {
  const whos = createWhoParts()
  const record = auditRecord(1, who)
  expect(whos.find({ ...record.who, [key]: 'agent' }).id).not.toBe(whos.find(record.who).id)
})

test.each(Object.keys(whatColumnOf))('another %s is something else', (key) => {
  const whats = createWhatParts()
  const { what } = auditRecord(1)
  expect(whats.find({ ...what, [key]: 'refusal' }).id).not.toBe(whats.find(what).id)
})

test('every process finds the same id, and none takes one part for another', () => {
  const ids = [
    { tokenId: 'a', tokenName: 'b' },
    { tokenId: 'a","b', tokenName: '' },
    { tokenId: 'ab', tokenName: '' },
  ].map((own) => [createWhoParts(), createWhoParts()].map((whos) => whos.find(auditRecord(1, own).who).id))
  for (const [one, other] of ids) expect(one).toBe(other)
  expect(new Set(ids.flat()).size).toBe(3)
})

test('what is met for the first time has no row, and from then on it has', () => {
  const whats = createWhatParts()
  const { what } = auditRecord(1)
  expect(whats.findAgain(what)).toBeNull()
  const row = whats.findAgain(what)
  expect(row).toEqual(whats.find(what))
  expect(whats.findAgain(auditRecord(2, { target: 'other' }).what)).toBeNull()
  expect(whats.findAgain(what)).toBe(row)
})

test('a row is written once a batch, and again when a minute has gone by since it was stored', () => {
  const row = createWhoParts().find(auditRecord(1).who)
  const lost = new SeenParts()
  expect([lost.add(row, 1), lost.add(row, 2)]).toEqual([true, false])
  const kept = new SeenParts()
  expect(kept.add(row, 3)).toBe(true)
  kept.stored()
  expect(new SeenParts().add(row, 2 + minuteMs)).toBe(false)
  expect(new SeenParts().add(row, 3 + minuteMs)).toBe(true)
})

test('rows come in the order of their ids, and each id once', () => {
  const seen = new SeenParts()
  for (const tokenId of ['a', 'b', 'c', 'a']) seen.add(createWhoParts().find(auditRecord(1, { tokenId }).who), 5)
  const ids = seen.inOrder().map(([row]) => row.id)
  expect(ids).toEqual([...new Set(ids)].toSorted())
  expect(ids).toHaveLength(3)
})
