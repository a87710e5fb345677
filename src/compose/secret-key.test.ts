import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { readSecretKey } from './secret-key.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-key-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function failureOf(run: () => unknown): GatewayError {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError) return error
  }
  throw new Error('it did not fail as it should')
}

const base64 = (letter: string): string => Buffer.from(letter.repeat(32)).toString('base64')

describe('the secret key', () => {
  it('is made once, for its owner alone', () => {
    const first = readSecretKey({}, folder)
    expect(first.current).toHaveLength(32)
    expect(readSecretKey({}, folder)).toEqual(first)
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'secret.key'), 'utf8').trim()).toBe(first.current.toString('base64'))
  })

  it('is the one that the environment names, with the one before', () => {
    const env = { TOOLGATE_SECRET_KEY: base64('a'), TOOLGATE_SECRET_KEY_PREVIOUS: base64('b') }
    expect(readSecretKey(env, null)).toEqual({
      current: Buffer.from('a'.repeat(32)),
      previous: Buffer.from('b'.repeat(32)),
    })
  })

  it('must be named where there is no folder', () => {
    expect(() => readSecretKey({}, null)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it.each(['short', 'x'.repeat(44), `${base64('a')} `])('is not %j, and the complaint does not say it', (text) => {
    const failure = failureOf(() => readSecretKey({ TOOLGATE_SECRET_KEY: text }, folder))
    expect(failure.details['reason']).toContain('TOOLGATE_SECRET_KEY must hold 32 random bytes')
    expect(inspect(failure, { depth: 10 })).not.toContain(text)
  })

  it.each([0o644, 0o602])('is not taken from a file that is open to everybody: %o', (mode) => {
    const path = join(folder, 'secret.key')
    writeFileSync(path, `${base64('a')}\n`)
    chmodSync(path, mode)
    const failure = failureOf(() => readSecretKey({}, folder))
    expect(failure.details['reason']).toContain('chmod 600')
    chmodSync(path, 0o640)
    expect(readSecretKey({}, folder).current).toEqual(Buffer.from('a'.repeat(32)))
  })

  it('says which file cannot be made, and what to do', () => {
    const { reason } = failureOf(() => readSecretKey({}, join(folder, 'missing'))).details
    expect(reason).toContain(`${join(folder, 'missing', 'secret.key')} cannot be written (ENOENT)`)
    expect(reason).toContain('--data-dir')
  })

  it('says which file cannot be read', () => {
    const path = join(folder, 'secret.key')
    mkdirSync(path, { mode: 0o700 })
    expect(failureOf(() => readSecretKey({}, folder)).details['reason']).toContain(`${path} cannot be read`)
  })

  it('is not replaced where the file is damaged', () => {
    writeFileSync(join(folder, 'secret.key'), 'damaged')
    expect(() => readSecretKey({}, folder)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(readFileSync(join(folder, 'secret.key'), 'utf8')).toBe('damaged')
  })
})
