import { describe, expect, it } from 'vitest'
import { failureOf } from '#test/support/failure.ts'
import { createArgon2PasswordHasher } from './password.ts'

const hasher = createArgon2PasswordHasher()

describe('createArgon2PasswordHasher', () => {
  it('makes a PHC text that says how it was made, and another one each time', async () => {
    const [one, other] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(other).not.toBe(one)
    expect(one).not.toContain('correct horse')
  })

  it('tells the password from every other', async () => {
    const hash = await hasher.hash('correct horse')
    expect(await hasher.verify('correct horse', hash)).toBe(true)
    for (const wrong of ['correct hors', 'correct horse ', 'Correct horse', '']) {
      expect(await hasher.verify(wrong, hash)).toBe(false)
    }
  })

  it('takes a password however its letters were composed', async () => {
    const hash = await hasher.hash('cafe\u0301')
    expect(await hasher.verify('caf\u00e9', hash)).toBe(true)
  })

  it('verifies what another program has made, with its own parameters', async () => {
    // RFC 9106 names the algorithm; this text is of the reference implementation: argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32.
    const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await hasher.verify('password', hash)).toBe(true)
    expect(await hasher.verify('passwore', hash)).toBe(false)
  })

  it('works as hard for a user that there is not, and says no', async () => {
    const cpuOf = async (run: () => Promise<unknown>) => {
      const before = process.cpuUsage()
      expect(await run()).toBe(false)
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const hash = await hasher.hash('correct horse')
    const known = await cpuOf(() => hasher.verify('wrong', hash))
    const unknown = await cpuOf(() => hasher.verify('wrong', null))
    expect(unknown).toBeGreaterThan(known / 3)
  })

  it('refuses to take a broken hash for a wrong password', async () => {
    await expect(hasher.verify('x', 'plain')).rejects.toThrow('cannot be read')
    await expect(hasher.verify('x', '$argon2i$v=19$m=1,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHQ')).rejects.toThrow('read')
  })

  it('lets so many work at once, so many wait, and sends the rest away', async () => {
    const small = createArgon2PasswordHasher({ underWayMax: 1, waitingMax: 2 })
    const asked = Array.from({ length: 5 }, () => small.verify('x', null).catch((error: unknown) => error))
    const answers = await Promise.all(asked)
    expect(answers.filter((answer) => answer === false)).toHaveLength(3)
    expect(answers.filter((answer) => answer instanceof Error)).toHaveLength(2)
    expect((await failureOf(Promise.reject(answers[4] as Error))).code).toBe('rate_limited')
    expect(await small.verify('x', null)).toBe(false)
  })

  it('frees the place of one that failed', async () => {
    const small = createArgon2PasswordHasher({ underWayMax: 1, waitingMax: 0 })
    for (let round = 0; round < 3; round++) await expect(small.verify('x', 'plain')).rejects.toThrow('read')
    expect(await small.verify('x', null)).toBe(false)
  })
})
