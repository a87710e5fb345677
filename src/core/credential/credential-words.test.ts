import { describe, expect, it } from 'vitest'
import { server } from '#test/support/upstreams.ts'
import { CredentialWords } from './credential-words.ts'

const http = (credential: object) =>
  server('a', {
    transport: { kind: 'streamable_http', url: 'http://a.example/mcp', credential } as never,
    isolation: 'principal',
  })

describe('CredentialWords', () => {
  it('says the kind, and never a value', () => {
    expect(new CredentialWords(http({ kind: 'bearer', token: 'canary' })).of('')).toBe('bearer')
  })

  it('says whose it is, where it is an owner’s own, in the same text each time', () => {
    const words = new CredentialWords(http({ kind: 'oauth2_authorization_code' }))
    expect(words.of('usr_ann')).toBe('oauth2_authorization_code usr_ann')
    expect(words.of('usr_bob')).toBe('oauth2_authorization_code usr_bob')
    for (let index = 0; index < 2_000; index++) words.of(`usr_${index}`)
    expect(words.of('usr_ann')).toBe('oauth2_authorization_code usr_ann')
  })

  it('says nothing where a server takes none, unless an owner’s values go to it', () => {
    const words = new CredentialWords(http({ kind: 'none' }))
    expect([words.of(''), words.of('usr_ann')]).toEqual(['', 'none usr_ann'])
    expect(new CredentialWords(server('local')).of('')).toBe('')
  })
})
