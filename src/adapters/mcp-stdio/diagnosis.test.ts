import { describe, expect, it } from 'vitest'

import { createDiagnosis } from './diagnosis.ts'

describe('createDiagnosis', () => {
  it('never shows a value of the environment that was given to the child', () => {
    const diagnosis = createDiagnosis({ bytesMax: 1000, env: { API_KEY: 'sk-very-secret', DEBUG: '1' } })
    diagnosis.write(Buffer.from('level 1: cannot log in with sk-very-'))
    diagnosis.write(Buffer.from('secret\n'))
    diagnosis.writeStrayLine('using sk-very-secret')
    expect(diagnosis.readText()).toBe('level 1: cannot log in with [secret]\n[stdout] using [secret]\n')
  })

  it('hides the single lines of a value of several lines', () => {
    const diagnosis = createDiagnosis({ bytesMax: 1000, env: { PEM: 'first-line\nsecond-line' } })
    diagnosis.write(Buffer.from('bad key:\n  first-line\n  second-line\n'))
    expect(diagnosis.readText()).toBe('bad key:\n  [secret]\n  [secret]\n')
  })

  it('cuts a long stray line after it has hidden the secrets in it', () => {
    const diagnosis = createDiagnosis({ bytesMax: 10_000, env: { KEY: 'x'.repeat(2000) } })
    diagnosis.writeStrayLine('x'.repeat(2000))
    diagnosis.writeStrayLine('y'.repeat(2000))
    expect(diagnosis.readText()).toBe(`[stdout] [secret]\n[stdout] ${'y'.repeat(1024)}\n`)
  })
})
