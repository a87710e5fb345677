/** What all McpSessionRecords do, wherever they are kept. */
import { describe, expect, it } from 'vitest'
import type { McpSessionRecord, McpSessionRecords } from '#core/session/mcp-session-records.ts'

export type RecordsHouse = {
  /** Two replicas' ends. */
  one: McpSessionRecords
  two: McpSessionRecords
  /** Lets time pass: at least so much. */
  pass: (ms: number) => Promise<void>
}

const long = 60_000
const short = 1_000

export function mcpSessionRecord(id: string, changes: Partial<McpSessionRecord> = {}): McpSessionRecord {
  return {
    id,
    tokenId: 'tok_1',
    address: '{"names":null}',
    endpoint: 'aggregate',
    revision: '2025-11-25',
    capabilities: { elicitation: { form: {} } },
    info: { name: 'client', version: '1' },
    logLevel: null,
    createdAt: 1_732_180_000_000,
    ...changes,
  }
}

export function mcpSessionRecordsContract(create: () => Promise<RecordsHouse>): void {
  describe('McpSessionRecords', () => {
    it('give every replica what one has put, to the last field', async () => {
      const { one, two } = await create()
      const record = mcpSessionRecord('mcp_1', {
        capabilities: { experimental: { 'é😀\u0000': [1, null] } },
        logLevel: 'error',
      })
      expect(await one.put(record, long)).toBe(true)
      expect(await two.get('mcp_1')).toEqual(record)
      expect(await one.put(mcpSessionRecord('mcp_2', { info: null }), long)).toBe(true)
      expect(await two.get('mcp_2')).toMatchObject({ info: null })
    })

    it('know nothing of others', async () => {
      const { one } = await create()
      await one.put(mcpSessionRecord('mcp_1'), long)
      for (const id of ['mcp_2', '', 'mcp_', '*', 'mcp_1 ', '__proto__']) expect(await one.get(id)).toBeNull()
    })

    it('put one in the place of another, and lend nobody their own', async () => {
      const { one, two } = await create()
      const record = mcpSessionRecord('mcp_1')
      await one.put(record, long)
      record.capabilities['sampling'] = {}
      Object.assign((await two.get('mcp_1')) ?? {}, { tokenId: 'other' })
      expect(await two.get('mcp_1')).toEqual(mcpSessionRecord('mcp_1'))
      await two.put({ ...record, logLevel: 'debug' }, long)
      expect(await one.get('mcp_1')).toEqual({ ...record, logLevel: 'debug' })
    })

    it('forget what is not used for too long', async () => {
      const { one, two, pass } = await create()
      await one.put(mcpSessionRecord('mcp_1'), short)
      await one.put(mcpSessionRecord('mcp_2'), long)
      expect(await two.get('mcp_1')).not.toBeNull()
      await pass(short)
      expect([await one.get('mcp_1'), await two.get('mcp_1')]).toEqual([null, null])
      expect(await two.get('mcp_2')).not.toBeNull()
    })

    it('keep what is in use, and make no life shorter', async () => {
      const { one, two, pass } = await create()
      await one.put(mcpSessionRecord('mcp_1'), short)
      await one.put(mcpSessionRecord('mcp_2'), long)
      const uses = [
        { id: 'mcp_1', idleMs: long },
        { id: 'mcp_2', idleMs: 1 },
        { id: 'mcp_3', idleMs: long },
      ]
      expect(await two.touch(uses)).toEqual(['kept', 'kept', 'unknown'])
      await pass(short)
      expect(await one.touch(uses)).toEqual(['kept', 'kept', 'unknown'])
      expect(await one.touch([])).toEqual([])
    })

    it('tell very many apart at once', async () => {
      const { one, two } = await create()
      const ids = Array.from({ length: 1_000 }, (_, n) => `mcp_${n}`)
      await Promise.all(ids.filter((_, n) => n % 2).map((id) => one.put(mcpSessionRecord(id), long)))
      const fates = await two.touch(ids.map((id) => ({ id, idleMs: long })))
      expect(fates).toEqual(ids.map((_, n) => (n % 2 ? 'kept' : 'unknown')))
    })

    it('remember that one has ended, whoever asks and whatever they put', async () => {
      const { one, two } = await create()
      await one.put(mcpSessionRecord('mcp_1'), long)
      await two.end('mcp_1', long)
      expect(await one.get('mcp_1')).toBeNull()
      expect(await one.touch([{ id: 'mcp_1', idleMs: long }])).toEqual(['ended'])
      expect(await one.put(mcpSessionRecord('mcp_1'), long)).toBe(false)
      expect(await two.get('mcp_1')).toBeNull()
    })

    it('remember it for one that they never had, and not for ever', async () => {
      const { one, two, pass } = await create()
      await two.end('mcp_1', short)
      expect(await one.put(mcpSessionRecord('mcp_1'), long)).toBe(false)
      expect(await one.touch([{ id: 'mcp_1', idleMs: long }])).toEqual(['ended'])
      await pass(short)
      expect(await one.touch([{ id: 'mcp_1', idleMs: long }])).toEqual(['unknown'])
      expect(await one.put(mcpSessionRecord('mcp_1'), long)).toBe(true)
    })
  })
}
