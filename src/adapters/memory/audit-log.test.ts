import { describe, expect, it } from 'vitest'
import { auditEvent, auditLogContract } from '#test/contracts/audit-log.ts'
import { createMemoryAuditLog } from './audit-log.ts'

auditLogContract(async () => createMemoryAuditLog({ ringMax: 10_000 }))

describe('createMemoryAuditLog', () => {
  it('forgets the oldest events when it is full, and counts them', async () => {
    const log = createMemoryAuditLog({ ringMax: 3 })
    for (let index = 0; index < 8; index++) log.append(auditEvent(index))
    expect(await log.list({ limit: 10 })).toEqual([auditEvent(7), auditEvent(6), auditEvent(5)])
    expect(log.dropped()).toBe(5)
  })
})
