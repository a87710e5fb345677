import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { mintSignInToken } from '#core/identity/sign-in-token.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { resource, resourceIndex } from '#test/support/resources.ts'
import { findVisitor, isFormOf, signInCookie, signOutCookie, type VisitorDeps } from './visitor.ts'

const clock = new FakeClock(1_000_000)
const keys = createSessionKeys({ current: randomBytes(32), previous: null })
const ann = resource('user', 'ann')
const index = resourceIndex([{ ...ann, spec: { ...ann.spec, passwordSetAt: 1 } }])
const over = (base: string | null): VisitorDeps => ({ index, clock, keys, baseUrl: () => base })
const secure = over('https://tools.example.com')
const inside = over('http://127.0.0.1:4321')

const { text } = mintSignInToken({ userId: ann.id, passwordSetAt: 1 }, { keys, now: clock.now() })
const requestWith = (cookie?: string) => ({ headers: { cookie } }) as IncomingMessage

describe('the cookie of a sign-in', () => {
  it('is bound to this host and to TLS where people reach it over TLS', () => {
    expect(signInCookie(secure, text, 60)).toBe(
      `__Host-toolgate_sign_in=${text}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure`,
    )
    expect(signOutCookie(secure)).toMatch(/^__Host-toolgate_sign_in=; .*Max-Age=0; Secure$/)
    expect(signInCookie(inside, text, 60)).toBe(`toolgate_sign_in=${text}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60`)
  })

  it('says who is there, under its own name alone', () => {
    expect(findVisitor(secure, requestWith(`a=b; __Host-toolgate_sign_in=${text}`)).actor?.name).toBe('ann')
    expect(findVisitor(inside, requestWith(`toolgate_sign_in=${text}`)).actor?.name).toBe('ann')
    // Any page of the site can set this one.
    expect(findVisitor(secure, requestWith(`toolgate_sign_in=${text}`)).actor).toBeNull()
  })

  it.each([
    ['none', undefined],
    ['an empty one', 'toolgate_sign_in='],
    ['two', `toolgate_sign_in=${text}; toolgate_sign_in=${text}`],
    ['one that was touched', `toolgate_sign_in=${text}x`],
    ['a long one', `toolgate_sign_in=${'x'.repeat(3_000)}`],
  ])('says nobody with %s', (_what, cookie) => {
    expect(findVisitor(inside, requestWith(cookie))).toMatchObject({ actor: null, browser: '' })
  })
})

describe('the text of a form', () => {
  it('belongs to one cookie', () => {
    const { formToken, formCookie, cookies } = findVisitor(inside, requestWith(`toolgate_sign_in=${text}`))
    expect(cookies).toEqual([])
    expect(isFormOf(keys, formCookie, formToken)).toBe(true)
    expect(isFormOf(keys, `${formCookie}x`, formToken)).toBe(false)
    expect(isFormOf(createSessionKeys({ current: randomBytes(32), previous: null }), formCookie, formToken)).toBe(false)
  })

  it('is tied to a cookie of its own before anybody has signed in', () => {
    const first = findVisitor(secure, requestWith())
    const [cookie = ''] = first.cookies
    expect(cookie).toMatch(/^__Host-toolgate_visit=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    expect(first.formCookie).toBe('')
    const second = findVisitor(secure, requestWith(cookie.split(';')[0]))
    expect(second.cookies).toEqual([])
    expect(second.formToken).toBe(first.formToken)
    expect(isFormOf(keys, second.formCookie, first.formToken)).toBe(true)
    expect(findVisitor(secure, requestWith('__Host-toolgate_visit=made-up')).cookies).toHaveLength(1)
  })

  it('outlives a change of the key by one', () => {
    const [old, next] = [randomBytes(32), randomBytes(32)]
    const before = createSessionKeys({ current: old, previous: null })
    const after = createSessionKeys({ current: next, previous: old })
    const { formToken } = findVisitor({ ...inside, keys: before }, requestWith(`toolgate_visit=${'x'.repeat(43)}`))
    expect(isFormOf(after, 'x'.repeat(43), formToken)).toBe(true)
  })
})
