/** What every FlowStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { Flow, FlowStore } from '#core/credential/flow-store.ts'
import { silentServer } from '#core/credential/silent-server.ts'

const now = 1_732_180_000_000
const minuteMs = 60_000
const remembered = now + 60 * minuteMs

const flow: Flow = {
  id: 'a'.repeat(64),
  server: 'srv_1',
  host: 'mcp.example.com',
  owner: { kind: 'user', ref: 'usr_ann' },
  startedBy: 'usr_ann',
  browser: 'b'.repeat(64),
  authorizationServer: silentServer({
    issuer: 'https://login.example.com',
    tokenEndpoint: 'https://login.example.com/token',
    scopes: ["it's; drop table connect_flow", 'ü'],
    sendsIssuer: true,
  }),
  clientId: 'client',
  codeVerifier: 'sealed1:…',
  redirectUri: 'https://tools.example.com/connect/callback',
  resource: 'https://mcp.example.com/mcp',
  scopes: ['read'],
  elicitationId: null,
  createdAt: now,
  expiresAt: now + 10 * minuteMs,
}

/** `createStore` gives an empty store. */
export function flowStoreContract(createStore: () => Promise<FlowStore>): void {
  describe('a FlowStore', () => {
    it('gives a flow once, and says afterwards that it was there', async () => {
      const store = await createStore()
      await store.put(flow, remembered)
      expect(await store.take(flow.id, now + 1)).toEqual({ state: 'taken', flow })
      expect(await store.take(flow.id, now + 2)).toEqual({ state: 'replayed' })
      expect(await store.take(flow.id, remembered - 1)).toEqual({ state: 'replayed' })
      expect(await store.take(flow.id, remembered)).toEqual({ state: 'unknown' })
    })

    it('gives it to one of those who ask at the same time', async () => {
      const store = await createStore()
      await store.put(flow, remembered)
      const taken = await Promise.all(Array.from({ length: 10 }, () => store.take(flow.id, now + 1)))
      const states = taken.map(({ state }) => state).toSorted()
      expect(states).toEqual([...Array.from({ length: 9 }, () => 'replayed'), 'taken'])
    })

    it('knows nothing of what was never put', async () => {
      const store = await createStore()
      await store.put(flow, remembered)
      expect(await store.take('c'.repeat(64), now)).toEqual({ state: 'unknown' })
      expect(await store.take(flow.id, now)).toMatchObject({ state: 'taken' })
    })

    it('gives nothing that has expired, and says so for a while', async () => {
      const store = await createStore()
      await store.put(flow, remembered)
      expect(await store.take(flow.id, flow.expiresAt)).toEqual({ state: 'expired' })
      expect(await store.take(flow.id, remembered - 1)).toEqual({ state: 'expired' })
      expect(await store.take(flow.id, remembered)).toEqual({ state: 'unknown' })
    })

    it('keeps everything of it, an owner without an id and a question as well', async () => {
      const store = await createStore()
      const other: Flow = {
        ...flow,
        owner: { kind: 'gateway', ref: '' },
        elicitationId: 'e-1',
        scopes: null,
        resource: null,
      }
      await store.put(other, remembered)
      expect(await store.take(other.id, now)).toEqual({ state: 'taken', flow: other })
    })

    it('forgets what nobody needs to remember, so many at a time, used or not', async () => {
      const store = await createStore()
      for (let index = 0; index < 5; index++) await store.put({ ...flow, id: `f${index}` }, remembered + index)
      await store.take('f0', now)
      expect(await store.deleteForgotten(remembered + 3, 3)).toBe(3)
      expect(await store.deleteForgotten(remembered + 3, 3)).toBe(1)
      expect(await store.deleteForgotten(remembered + 3, 3)).toBe(0)
      expect(await store.take('f4', now)).toMatchObject({ state: 'taken' })
    })
  })
}
