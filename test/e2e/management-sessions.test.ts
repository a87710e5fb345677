/** Every operation on agents' sessions, at both of its addresses: where the others are, and where agent platforms look for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'

let upstream: RawUpstream
let gateway: ManagedGateway

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startManagedGateway({ servers: { one: { url: upstream.url } } })
  const agent = { name: 'helper', harness: 'claude-agent-sdk', servers: [{ server: 'one' }] }
  await gateway.api('POST', '/agents', { body: agent })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

type Started = { session: { id: string; run: number }; refreshToken: string }

describe.each([
  ['', '/sessions'],
  ['/managed_agents', '/managed_agents/agent-auth'],
])('at /api/v1%s', (root, tokens) => {
  const sessions = `${root}/sessions`
  const start = async (path: string, body: unknown): Promise<Started> => {
    const answer = await gateway.api('POST', path, { body })
    expect(answer.status).toBe(201)
    return answer.body as unknown as Started
  }
  const done = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await gateway.api(method, path, body === undefined ? {} : { body })
    expect(answer.status).toBe(200)
    return answer.body
  }

  it('a session lives its whole life', async () => {
    const { session, refreshToken } = await start(sessions, { agent: 'helper' })
    const at = `${sessions}/${session.id}`
    expect(await done('GET', at)).toMatchObject({ id: session.id, status: 'creating' })
    expect(await done('POST', `${at}/report`, { status: 'ready' })).toMatchObject({ status: 'ready' })
    expect(await done('POST', `${at}/recover`, {})).toMatchObject({ session: { id: session.id, run: 2 } })
    expect(await done('POST', `${at}/restart`, {})).toMatchObject({ session: { id: session.id, run: 3 } })
    const { items } = await done('GET', `${sessions}?agent=helper`)
    expect(items).toEqual(expect.arrayContaining([expect.objectContaining({ id: session.id })]))
    const refreshed = await gateway.api('POST', `${tokens}/refresh`, {
      bearer: null,
      body: { refresh_token: refreshToken },
    })
    expect(refreshed).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
    expect(await done('DELETE', at)).toMatchObject({ status: 'dead' })
    const events = (await done('GET', `${at}/events`))['items'] as { kind: string }[]
    expect(events.map(({ kind }) => kind)).toEqual(['created', 'ready', 'recovered', 'restarted', 'ended'])
  })

  it('a session begins at the address of its agent', async () => {
    const { session } = await start(`${root}/agents/helper/session`, {})
    expect(await done('DELETE', `${sessions}/${session.id}`)).toMatchObject({ agentName: 'helper', status: 'dead' })
  })

  it('what is no session is named as such, and another method as well', async () => {
    expect(await gateway.api('GET', `${sessions}/ses_nowhere`)).toMatchObject({
      status: 404,
      body: { code: 'no_such_resource' },
    })
    const refused = await gateway.api('PUT', sessions, { body: {} })
    expect(refused).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
    expect(refused.headers.get('allow')).toContain('POST')
  })
})

describe('the OpenAPI document', () => {
  it('has each operation on sessions at both places, under ids of their own', async () => {
    const { body } = await gateway.api('GET', '/openapi.json')
    const paths = body['paths'] as Record<
      string,
      Record<string, { operationId: string; tags: string[]; summary: string }>
    >
    const all = Object.entries(paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => ({ path, ...operation })),
    )
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
    const bySummary = Map.groupBy(
      all.filter(({ tags }) => tags.includes('sessions')),
      ({ summary }) => summary,
    )
    expect(bySummary.size).toBe(10)
    for (const [summary, some] of bySummary) {
      const isManaged = some.map(({ path }) => path.startsWith('/api/v1/managed_agents/'))
      expect([summary, isManaged.includes(true), isManaged.includes(false)]).toEqual([summary, true, true])
    }
  })
})
