import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Server } from '#contract/server.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { resource } from '#test/support/resources.ts'
import { declaredResources } from './declared-resources.ts'
import { createServerEgress } from './egress.ts'

const serverAt = (url: string): Server =>
  Server.parse({ name: 'one', isolation: 'principal', transport: { kind: 'streamable_http', url } })
const declared = (...servers: Server[]) => declaredResources({ policies: [], tokens: [], secrets: [] }, servers)

const here = serverAt('http://127.0.0.1:1/mcp')
const elsewhere = serverAt('http://127.0.0.1:2/mcp')

describe('createServerEgress', () => {
  it('lets a declared server inside for the address that is declared, and for as long as it is', () => {
    const snapshot = new ResourceSnapshot()
    const egress = createServerEgress(snapshot, [])
    const [ofHere, ofElsewhere] = [egress.of(here), egress.of(elsewhere)]
    snapshot.declare(declared(here))
    expect(ofHere.refusalOf('127.0.0.1')).toBeNull()
    expect(ofElsewhere.refusalOf('127.0.0.1')).toMatchObject({ details: { rule: 'loopback' } })
    snapshot.declare([])
    expect(ofHere.refusalOf('127.0.0.1')).toMatchObject({ details: { rule: 'loopback' } })
  })

  it('keeps a stored server outside, whoever stored it', () => {
    const snapshot = new ResourceSnapshot()
    const { name, ...spec } = here
    const stored = { ...resource('server', name), createdBy: 'usr_admin', updatedBy: 'usr_admin', spec }
    snapshot.apply({ changed: [stored], deleted: [], isWhole: true })
    const { refusalOf } = createServerEgress(snapshot, []).of(here)
    expect(refusalOf('10.0.0.1')).toMatchObject({ details: { rule: 'private' } })
    const own = Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => address) ?? [])
    expect(own.filter((address) => refusalOf(address) === null)).toEqual([])
  })

  it('takes other ranges while it runs', () => {
    const egress = createServerEgress(new ResourceSnapshot(), ['10.0.0.0/8'])
    const { refusalOf } = egress.of(here)
    expect([refusalOf('10.0.0.1'), refusalOf('127.0.0.1')?.code]).toEqual([null, 'egress_forbidden'])
    egress.open(['127.0.0.1', '::1'])
    expect([refusalOf('10.0.0.1')?.code, refusalOf('127.0.0.1'), refusalOf('::1')]).toEqual([
      'egress_forbidden',
      null,
      null,
    ])
  })

  it.each([
    ['a server without an account', { kind: 'none' }, false],
    [
      'a server whose token endpoint is given',
      {
        kind: 'oauth2_client_credentials',
        clientId: 'a',
        clientSecret: 'b',
        tokenUrl: 'http://127.0.0.1:3/token',
      },
      false,
    ],
    ['a server whose accounts are looked up', { kind: 'oauth2_authorization_code' }, true],
  ])('opens other ports of a host where the operator has %s: %j', (_what, credential, isOpen) => {
    const snapshot = new ResourceSnapshot()
    const url = 'http://127.0.0.1:1/mcp'
    const transport = { kind: 'streamable_http', url, credential }
    snapshot.declare(declared(Server.parse({ name: 'one', isolation: 'principal', transport })))
    const { ofAddress } = createServerEgress(snapshot, [])
    const judge = (text: string) => ofAddress(new URL(text)).refusalOf('127.0.0.1')?.details['rule'] ?? 'open'
    expect(judge('http://127.0.0.1:1/.well-known/oauth-protected-resource')).toBe('open')
    expect(judge('http://127.0.0.1:9/admin')).toBe(isOpen ? 'open' : 'loopback')
    expect(judge('http://127.0.0.1:3/token')).toBe(isOpen || 'tokenUrl' in credential ? 'open' : 'loopback')
  })
})
