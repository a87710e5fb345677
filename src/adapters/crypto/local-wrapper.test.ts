import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { secretOf } from '#test/support/vault.ts'
import { createLocalWrapper } from './local-wrapper.ts'

const key = randomBytes(32)
const wrapper = createLocalWrapper(secretOf('a'))

describe('a local wrapper', () => {
  it('unwraps what it wrapped, for the same context alone', async () => {
    const wrapped = await wrapper.wrap(key, 'data key 1')
    expect(Buffer.from(wrapped, 'base64url').includes(key)).toBe(false)
    expect(Buffer.from((await wrapper.unwrap(wrapped, 'data key 1')) ?? []).equals(key)).toBe(true)
    expect(await wrapper.unwrap(wrapped, 'data key 2')).toBeNull()
    expect(await createLocalWrapper(secretOf('b')).unwrap(wrapped, 'data key 1')).toBeNull()
  })

  it('unwraps nothing of which any one character was changed', async () => {
    const wrapped = await wrapper.wrap(key, 'data key 1')
    for (let index = 0; index < wrapped.length; index++) {
      const other = wrapped[index] === 'A' ? 'B' : 'A'
      const changed = wrapped.slice(0, index) + other + wrapped.slice(index + 1)
      expect(await wrapper.unwrap(changed, 'data key 1')).toBeNull()
    }
  })

  it('has an id that tells master keys apart, and says nothing of them', () => {
    expect(wrapper.id).toMatch(/^local:[0-9a-f]{8}$/)
    expect(createLocalWrapper(secretOf('a')).id).toBe(wrapper.id)
    expect(createLocalWrapper(secretOf('b')).id).not.toBe(wrapper.id)
  })
})
