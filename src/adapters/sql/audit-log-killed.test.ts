import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { auditEvent } from '#test/contracts/audit-log.ts'
import { openDatabase } from './database.ts'

/** Appends without end, and says after each flush how many events were acknowledged. */
const endlessWriter = `
  import { createSqlAuditLog } from '#adapters/sql/audit-log.ts'
  import { openDatabase } from '#adapters/sql/database.ts'
  const database = await openDatabase({ path: process.argv[1] })
  const log = createSqlAuditLog({ database })
  const event = JSON.parse(process.argv[2])
  for (let count = 0; ; ) {
    for (let index = 0; index < 150; index++) log.append({ ...event, requestId: 'req_' + count++ })
    await log.flush()
    process.stdout.write(count + '\\n')
  }
`

/** Kills the writer with SIGKILL right after its n-th acknowledgement; gives the last one that arrived. */
async function killAfter(acknowledgements: number, path: string): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', endlessWriter, path, JSON.stringify(auditEvent(1))],
    {
      cwd: new URL('../../..', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  let acknowledged = 0
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line)
    if (++seen === acknowledgements) child.kill('SIGKILL')
  }
  expect((await exited)[1]).toBe('SIGKILL')
  return acknowledged
}

describe('an audit log whose process is killed', () => {
  it.each([1, 7, 40])('has lost nothing that was flushed, killed after flush %i', async (acknowledgements) => {
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-killed-'))
    try {
      const path = join(folder, 'toolgate.db')
      const acknowledged = await killAfter(acknowledgements, path)
      const database = await openDatabase({ path })
      const rows = await database.queries.selectFrom('audit_event').select('request_id').orderBy('id').execute()
      const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database.queries)
      await database.close()
      expect(acknowledged).toBeGreaterThanOrEqual(acknowledgements * 150)
      expect(rows.length).toBeGreaterThanOrEqual(acknowledged)
      expect(rows.map((row) => row.request_id)).toEqual(rows.map((_, index) => `req_${index}`))
      expect(check.rows[0]?.integrity_check).toBe('ok')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
