/** How much one caller may ask of the management API, and what that costs the others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManagedGateway, type ApiAnswer, type ManagedGateway } from '../support/management.ts'

let gateway: ManagedGateway

beforeAll(async () => {
  gateway = await startManagedGateway({ listen: { port: 0, trustedProxies: ['127.0.0.1'] } })
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
