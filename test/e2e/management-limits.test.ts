/** How much one caller may ask of the management API, and what that costs the others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManagedGateway, type ApiAnswer, type ManagedGateway } from '../support/management.ts'
import { until } from '../support/until.ts'

let gateway: ManagedGateway
const requestsMax = 30

beforeAll(async () => {
  gateway = await startManagedGateway({
    listen: { port: 0, trustedProxies: ['127.0.0.1'] },
    limits: { managementRequestsPerMinuteMax: requestsMax },
  })
})
afterAll(() => gateway?.[Symbol.asyncDispose]())

describe('signing in through a proxy', () => {
  const signInFrom = (client: string, password: string): Promise<ApiAnswer> =>
    gateway.api('POST', '/sign-in', {
      bearer: null,
      headers: { 'x-forwarded-for': client },
      body: { user: 'admin', password },
    })

  it('is refused to the client that tries too often, and to no other behind the same proxy', async () => {
    const attempts = await Promise.all(Array.from({ length: 11 }, () => signInFrom('198.51.100.1', 'wrong')))
    expect(attempts.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(attempts.filter(({ status }) => status === 429)).toHaveLength(1)
    const refused = await signInFrom('192.0.2.7, 198.51.100.1', gateway.password)
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', limit: 'sign_in' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await signInFrom('198.51.100.2', gateway.password)).status).toBe(201)
  })
})

describe('asking again and again', () => {
  const whoAmI = (bearer: string | null, client: string): Promise<ApiAnswer> =>
    gateway.api('GET', '/whoami', { bearer, headers: { 'x-forwarded-for': client } })
  /** All at once, and how often each status was answered. */
  const statuses = async (count: number, ask: () => Promise<ApiAnswer>): Promise<Record<number, number>> => {
    const answers = await Promise.all(Array.from({ length: count }, ask))
    const byStatus = Object.groupBy(answers, ({ status }) => status)
    return Object.fromEntries(Object.entries(byStatus).map(([status, some]) => [status, some?.length ?? 0]))
  }

  it('is refused to one principal, from wherever it asks, and to nobody else; and passes again after a while', async () => {
    const { 200: allowed = 0, 429: refused = 0 } = await statuses(requestsMax + 10, () =>
      whoAmI(gateway.bearer, '198.51.100.3'),
    )
    expect(allowed + refused).toBe(requestsMax + 10)
    expect(refused).toBeGreaterThan(0)
    const elsewhere = await whoAmI(gateway.bearer, '198.51.100.4')
    expect(elsewhere).toMatchObject({ status: 429, body: { code: 'rate_limited', limit: 'management' } })
    expect(elsewhere.headers.get('content-type')).toContain('application/problem+json')
    expect(Number(elsewhere.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await whoAmI(gateway.token, '198.51.100.3')).status).toBe(200)
    const again = async () => (await whoAmI(gateway.bearer, '198.51.100.3')).status === 200
    await until('it may ask again', again, { timeoutMs: 20_000, pollMs: 200 })
  })

  it('is refused to an address from which nobody is known, and to nobody else there', async () => {
    const { 401: unknown = 0, 429: refused = 0 } = await statuses(requestsMax + 10, () =>
      whoAmI('tg_wrong', '198.51.100.5'),
    )
    expect(unknown + refused).toBe(requestsMax + 10)
    expect(refused).toBeGreaterThan(0)
    const open = { bearer: null, headers: { 'x-forwarded-for': '198.51.100.5' }, body: { refresh_token: 'x' } }
    expect((await gateway.api('POST', '/agent-auth/refresh', open)).status).toBe(429)
    expect((await whoAmI('tg_wrong', '198.51.100.6')).status).toBe(401)
    expect((await whoAmI(gateway.token, '198.51.100.5')).status).toBe(200)
  })
})
