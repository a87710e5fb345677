import { describe, expect, it } from 'vitest'
import { namedEgress, type NamedEgress } from '#test/support/egress.ts'

type Found = { error: Error | null; addresses: unknown }

const lookUp = (egress: NamedEgress, name: string, options: object): Promise<Found> =>
  new Promise((resolve) => egress.lookup(name, options, (error, addresses) => resolve({ error, addresses })))

describe('createEgress', () => {
  it('gives on what was resolved, in the form that was asked for', async () => {
    const egress = namedEgress({ 'far.example': ['192.0.2.1 2606:4700::1'] })
    const all = [
      { address: '192.0.2.1', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]
    expect(await lookUp(egress, 'far.example', { all: true })).toEqual({ error: null, addresses: all })
    expect(await lookUp(egress, 'far.example', {})).toEqual({ error: null, addresses: '192.0.2.1' })
    expect(egress.asked).toEqual(['far.example', 'far.example'])
  })

  it.each([[{ all: true }], [{}]])(
    'fails where a name is at a refused address, and does not say at which: %j',
    async (options) => {
      const { error, addresses } = await lookUp(namedEgress({ near: ['10.11.12.13'] }), 'near', options)
      expect(error).toMatchObject({ code: 'egress_forbidden', details: { rule: 'private' } })
      expect(addresses).toEqual([])
      expect(JSON.stringify(error) + String(error)).not.toContain('10.11')
    },
  )

  it('fails where one of several addresses is refused', async () => {
    const egress = namedEgress({ mixed: ['192.0.2.1 ::ffff:169.254.169.254'] }, { isOpen: true })
    const { error } = await lookUp(egress, 'mixed', { all: true })
    expect(error).toMatchObject({ code: 'egress_forbidden', details: { rule: 'metadata' } })
  })

  it('passes the failure of a resolver on', async () => {
    const { error } = await lookUp(namedEgress({}), 'nowhere', { all: true })
    expect(error?.message).toBe('no address for nowhere')
  })

  it('judges a host that is an address, and leaves names to the lookup', () => {
    const egress = namedEgress({})
    expect(egress.refusalOf('127.0.0.1')).toMatchObject({ code: 'egress_forbidden', details: { rule: 'loopback' } })
    expect(egress.refusalOf('::1')).toMatchObject({ details: { rule: 'loopback' } })
    expect(egress.refusalOf('[::1]')).toMatchObject({ details: { rule: 'unreadable' } })
    expect(egress.refusalOf('192.0.2.1')).toBeNull()
    expect(egress.refusalOf('localhost')).toBeNull()
    expect(egress.asked).toEqual([])
  })
})
