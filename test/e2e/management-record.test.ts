/** What the management API tells afterwards: who changed what, who called what, and why that was allowed. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendModern, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

let upstream: RawUpstream
let gateway: ManagedGateway

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startManagedGateway({
    servers: { one: { url: upstream.url } },
    policies: { 'all-of-it': { default: 'execute' } },
  })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

const list = (token: string): Promise<Response> =>
  sendModern(`${gateway.url}/mcp`, { token, message: modernMessage('tools/list') })

describe('the record', () => {
  it('says who changed what, for whom, and nothing of what it is', async () => {
    const headers = { 'x-changed-by': 'ticket 17' }
    await gateway.api('POST', '/teams', { body: { name: 'recorded', description: 'canary-4d2e' }, headers })
    const database = join(gateway.folder, '.toolgate', 'toolgate.db')
    const rowsOf = (): Record<string, unknown>[] => {
      const reading = new DatabaseSync(database, { readOnly: true })
      try {
        return reading.prepare(`select * from audit where target = 'recorded'`).all()
      } finally {
        reading.close()
      }
    }
    await until('it is stored', () => rowsOf().length > 0)
    expect(rowsOf()).toMatchObject([
      {
        kind: 'resource_change',
        principal_kind: 'user',
        principal_name: 'admin',
        method: 'create team',
        outcome: 'ok',
        changed_by: 'ticket 17',
      },
    ])
    expect(JSON.stringify(rowsOf())).not.toContain('canary-4d2e')
  })
})

describe('the record of calls', () => {
  it('can be read by who may, page by page, filtered', async () => {
    const token = await gateway.mint({ name: 'recorded-caller', policies: ['all-of-it'] })
    for (let call = 0; call < 3; call++) expect((await list(token)).status).toBe(200)
    const read = (more = '') => gateway.api('GET', `/audit?tokenName=recorded-caller${more}`)
    const eventsOf = (body: Record<string, unknown>) => body['events'] as { id: number; method: string }[]
    await until('all three are stored', async () => eventsOf((await read()).body).length === 3)
    const first = await read('&limit=2')
    expect(eventsOf(first.body)).toHaveLength(2)
    const second = await read(`&limit=2&before=${String(first.body['next'])}`)
    expect(eventsOf(second.body)).toHaveLength(1)
    expect(eventsOf((await read('&method=tools/call')).body)).toEqual([])
    expect((await gateway.api('GET', '/audit', { bearer: token })).status).toBe(403)
    expect((await gateway.api('GET', '/audit?nonsense=1')).body).toMatchObject({ code: 'invalid_params' })
  })

  it('is what a proposed policy is tried on', async () => {
    const message = modernMessage('tools/call', { name: 'echo', arguments: {} })
    const call = await sendModern(`${gateway.url}/one/mcp`, { token: gateway.token, message })
    expect(call.status).toBe(200)
    const proposal = {
      policy: { name: 'no-echo', default: 'admin', rules: [{ server: 'one', tool: 'echo', level: 'deny' }] },
      attachTo: { kind: 'token', ref: 'admin' },
    }
    const tryIt = () => gateway.api('POST', '/access/dry-run', { body: proposal })
    await until('the call is stored', async () => Number((await tryIt()).body['calls']) > 0)
    const { status, body } = await tryIt()
    expect(status).toBe(200)
    expect(body['changes']).toMatchObject([{ server: 'one', tool: 'echo', today: 'allowed', proposed: 'denied' }])
  })
})

describe('an explanation', () => {
  it('says which rule let a token in, and what keeps it out', async () => {
    const policy = {
      name: 'explained',
      rules: [
        { server: 'one', level: 'execute' },
        { server: 'one', tool: 'delete_*', level: 'deny' },
      ],
    }
    await gateway.api('POST', '/policies', { body: policy })
    await gateway.mint({ name: 'explained', policies: ['explained'] })
    const ask = (tool: string) => gateway.api('GET', `/access/explain?token=explained&server=one&tool=${tool}`)
    expect((await ask('read_file')).body).toMatchObject({ isListed: true, isCallable: true })
    const denied = await ask('delete_all')
    expect(denied.body).toMatchObject({ isListed: false, isCallable: false })
    expect(JSON.stringify(denied.body)).toContain('explained')
    await gateway.api('POST', '/tokens/explained/revoke')
    expect((await ask('read_file')).body).toMatchObject({ isCallable: false })
  })
})
