import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'

/** Lines as people see them, without the title. */
function complaints(text: string, env: Record<string, string> = {}): string[] {
  try {
    loadConfig({ path: 'toolgate.yaml', text, env })
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
    throw error
  }
  return []
}

describe('an address of a store that its driver could not read', () => {
  const escape = 'must write a percent sign as %25, and other characters as complete escapes of UTF-8'
  const database = 'must end with the number of a database, such as /0, or with the host and port'
  it.each([
    ['redis', 'redis://h/hunter2', database],
    ['redis', 'redis://h/1/', database],
    ['redis', 'redis://h/-1', database],
    ['redis', 'redis://u:hunter2%ZZ@h', escape],
    ['redis', 'rediss://u%E0%A4:p@h/1', escape],
    ['postgres', 'postgres://u:hunter2%ZZ@h/db', escape],
    ['postgres', 'postgresql://u:hunter2%E0%A4@h/db', escape],
    ['postgres', 'postgres://h/hunter2%E0%A4', escape],
  ])('storage.%s of %j is refused, with its place and without its text', (key, url, message) => {
    expect(complaints(`storage:\n  ${key}: "${url}"`)).toEqual([
      `toolgate.yaml:2:${key.length + 5}: storage.${key}: ${message}`,
    ])
    expect(complaints(`storage:\n  ${key}: \${URL}`, { URL: url })).toEqual([
      `toolgate.yaml:2:${key.length + 5}: storage.${key}: ${message}`,
    ])
  })

  it.each(['redis://h', 'redis://h/', 'rediss://u:p%25%C3%A9@h:6380/12', 'redis://:p@[::1]:1/0'])(
    'goes through as %j',
    (url) => expect(complaints(`storage: { redis: "${url}" }`)).toEqual([]),
  )

  it.each(['postgres://h/db', 'postgres:///db', 'postgresql://u:p%25%2F@[::1]:5432/d%C3%A9?sslmode=disable'])(
    'goes through as %j',
    (url) => expect(complaints(`storage: { postgres: "${url}" }`)).toEqual([]),
  )
})
