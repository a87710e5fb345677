import { beforeEach, describe, expect, it } from 'vitest'
import { settled } from '#test/support/fake-clock.ts'
import { aggregate, everything, idleMs, ReplicaLab, saidOf, type LabReplica } from '#test/support/replica-lab.ts'
import { fits } from './shared-sessions.ts'

const id = 'mcp_1'
let lab: ReplicaLab
let one: LabReplica
let two: LabReplica

beforeEach(async () => {
  lab = new ReplicaLab()
  ;({ one, two } = lab)
  await settled()
})

describe('a record', () => {
  it('is there before the client knows the session, and says what another replica needs', async () => {
    await one.shared.share(lab.session({ info: { name: 'c' } }))
    expect(await two.shared.find(id)).toEqual({
      id,
      tokenId: 'ann',
      address: '{"names":null,"narrowing":null,"scope":"servers"}',
      endpoint: 'aggregate',
      revision: '2025-11-25',
      capabilities: { sampling: {} },
      info: { name: 'c' },
      logLevel: null,
      createdAt: lab.clock.now(),
    })
  })

  it('does without what a client says too much of itself', async () => {
    await one.shared.share(lab.session({ info: { name: 'x'.repeat(20_000) } }))
    expect(await two.shared.find(id)).toMatchObject({ info: null, capabilities: { sampling: {} } })
  })

  it('is of its token, its address, and the one server that it is of', async () => {
    await one.shared.share(lab.session())
    const record = await two.shared.find(id)
    if (!record) throw new Error('it is there')
    const asking = { tokenId: 'ann', address: everything, endpoint: aggregate }
    expect(fits(record, asking)).toBe(true)
    expect(fits(record, { ...asking, endpoint: { ...aggregate, key: 'aggregate:b' } })).toBe(true)
    expect(fits(record, { ...asking, tokenId: 'bob' })).toBe(false)
    expect(fits(record, { ...asking, address: { ...everything, names: 'a' } })).toBe(false)
    expect(fits(record, { ...asking, address: { ...everything, narrowing: 'a' } })).toBe(false)
    expect(fits(record, { ...asking, endpoint: { ...aggregate, kind: 'single' } })).toBe(false)
  })

  it('of a revision that is none is no record', async () => {
    await one.shared.share(lab.session())
    const record = await lab.store.get(id)
    if (record) await lab.store.put({ ...record, revision: '2026-07-28' }, idleMs)
    expect(await two.shared.find(id)).toBeNull()
  })

  it('lives as long as one replica has it in use, and is told so seldom', async () => {
    const [first] = await lab.onBoth()
    await lab.live(3 * idleMs, [first])
    expect(await lab.store.get(id)).not.toBeNull()
    // Every twentieth of the time, not with each sweep; and never by who does not use it, but for the first time.
    expect(one.records.touches).toBeLessThanOrEqual(60)
    expect(two.records.touches).toBeLessThanOrEqual(1)
  })

  it('lives as long as a stream of it is held, with nobody saying anything', async () => {
    const [first] = await lab.onBoth()
    one.shared.listen(first, () => undefined)
    await lab.live(3 * idleMs)
    expect(await lab.store.get(id)).not.toBeNull()
  })

  it('ends when nobody uses it any more', async () => {
    await lab.onBoth()
    await lab.live(idleMs + 10_000)
    expect(await lab.store.get(id)).toBeNull()
    expect(await two.shared.find(id)).toBeNull()
  })

  it('that the records have lost is put there again', async () => {
    const [first] = await lab.onBoth()
    await lab.store.end(id, 1)
    await lab.clock.advance(1)
    await lab.live(20_000, [first])
    expect(await two.shared.find(id)).toMatchObject({ id, tokenId: 'ann' })
    expect(first.hasEnded).toBe(false)
  })
})

describe('with the records away', () => {
  it('a session is opened, and others can take it up when they are back', async () => {
    one.records.isAway = true
    const own = lab.session()
    await one.shared.share(own)
    expect(await two.shared.find(id)).toBeNull()
    await lab.live(20_000, [own])
    one.records.isAway = false
    await lab.live(5_000, [own])
    expect(await two.shared.find(id)).toMatchObject({ id })
  })

  it('and empty when they are back, all that is open is put there again soon, used or not', async () => {
    const [first] = await lab.onBoth()
    await lab.store.end(id, 1)
    one.records.isAway = true
    two.records.isAway = true
    one.bus.leave()
    await lab.live(10_000)
    one.bus.comeBack()
    // The bus may be back before the records are.
    await lab.live(5_000)
    expect(await lab.store.get(id)).toBeNull()
    one.records.isAway = false
    await lab.live(5_000)
    expect(await lab.store.get(id)).toMatchObject({ id })
    expect(first.hasEnded).toBe(false)
  })

  it('one that is unknown here cannot be said to be none', async () => {
    two.records.isAway = true
    await expect(two.shared.find(id)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  it('the end of a session is told when they are back', async () => {
    const [first, second] = await lab.onBoth()
    one.records.isAway = true
    one.bus.leave()
    first.end()
    await one.shared.untilEnded(first)
    expect(second.hasEnded).toBe(false)
    one.bus.comeBack()
    one.records.isAway = false
    await lab.live(5_000)
    expect(second.hasEnded).toBe(true)
    expect(await two.shared.find(id)).toBeNull()
  })
})

describe('the end of a session', () => {
  it('is for good on both, and for those that come later', async () => {
    const [first, second] = await lab.onBoth()
    second.end()
    await two.shared.untilEnded(second)
    expect(await one.shared.find(id)).toBeNull()
    await settled()
    expect(first.hasEnded).toBe(true)
    expect(saidOf(one, 'end')).toEqual([])
  })

  it('on one replica alone leaves it to the other', async () => {
    const [first, second] = await lab.onBoth()
    first.leave()
    await settled()
    expect(second.hasEnded).toBe(false)
    expect(await one.shared.find(id)).not.toBeNull()
  })

  it('is heard after a gap by one that missed it, whether it uses the session or not', async () => {
    const [first, second] = await lab.onBoth()
    two.bus.leave()
    first.end()
    await settled()
    expect(second.hasEnded).toBe(false)
    two.bus.comeBack()
    await settled()
    expect(second.hasEnded).toBe(true)
  })

  it('is found out by one that never hears of it, when it uses the session', async () => {
    const [first, second] = await lab.onBoth()
    two.bus.leave()
    first.end()
    await lab.live(10_000, [second])
    expect(second.hasEnded).toBe(true)
  })

  it('wins over who is just taking it up', async () => {
    await one.shared.share(lab.session())
    const found = two.shared.find(id)
    await lab.line.publish('mcp-sessions', { do: 'end', id, from: 'replica_one' })
    expect(await found).toBeNull()
  })
})
