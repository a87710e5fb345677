import { describe, expect, it } from 'vitest'
import { isSecretName, isSecretText } from './secret-words.ts'

describe('isSecretName', () => {
  it.each([
    'GITHUB_TOKEN',
    'API_KEY',
    'apiKey',
    'x-api-key',
    '--api-key',
    'Authorization',
    'PASSWORD',
    'DB_PASS',
    'client_secret',
    'AWS_SECRET_ACCESS_KEY',
    'Cookie',
    'SENTRY_DSN',
    'OPENAI_KEY',
    'key',
  ])('takes %s for the name of a secret', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  it.each(['PATH', 'HOME', 'PORT', 'NODE_ENV', 'DEBUG', '-y', '--verbose', 'x-team', 'keyboard', 'compass', 'author'])(
    'takes %s for a plain name',
    (name) => {
      expect(isSecretName(name)).toBe(false)
    },
  )
})

describe('isSecretText', () => {
  it.each([
    `tg_${'a'.repeat(40)}`,
    'sk-ant-abc',
    'ghp_abcdef',
    'github_pat_x',
    'xoxb-1-2',
    'eyJhbGciOi.x.y',
    'AKIAABCDEFGH',
    'Bearer abc',
    '0123456789abcdef0123456789abcdef',
  ])('takes %s for a secret', (text) => {
    expect(isSecretText(text)).toBe(true)
  })

  it.each([
    '',
    'production',
    '@modelcontextprotocol/server-filesystem',
    '/home/me/projects/2026',
    'https://example.com',
  ])('takes %j for plain text', (text) => {
    expect(isSecretText(text)).toBe(false)
  })

  it('answers at once for a long text', () => {
    expect(isSecretText(`${'-'.repeat(1_000_000)}!`)).toBe(false)
  })
})
