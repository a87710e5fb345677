import { describe, expect, it } from 'vitest'
import { loadConfig } from './load.ts'

const path = new URL('../../docs/examples/toolgate.yaml', import.meta.url).pathname
const env = {
  ISSUES_TOKEN: 'issues-token',
  SEARCH_KEY: 'search-key',
  METRICS_PASSWORD: 'metrics-password',
  CI_TOOLGATE_TOKEN: `tg_${'c'.repeat(40)}`,
}

describe('docs/examples/toolgate.yaml', () => {
  it('loads, with a server of each transport', () => {
    const config = loadConfig({ path, env })
    expect(config.servers.map(({ name, transport }) => [name, transport.kind])).toEqual([
      ['files', 'stdio'],
      ['issues', 'streamable_http'],
      ['search', 'sse'],
      ['monitoring', 'websocket'],
    ])
    expect(config.tokens.map(({ name, policies }) => [name, policies])).toEqual([
      ['ci', ['reader']],
      ['laptop of alice', ['developer']],
    ])
  })

  it('states the defaults where it says so', () => {
    const written = loadConfig({ path, env })
    const defaults = loadConfig({ path: null, env })
    expect(written.listen).toEqual(defaults.listen)
    expect(written.naming).toEqual(defaults.naming)
    expect(written.limits).toEqual(defaults.limits)
  })

  it('names each variable that it needs when none is set', () => {
    expect(() => loadConfig({ path, env: {} })).toThrow(
      /ISSUES_TOKEN is not set[^]*SEARCH_KEY is not set[^]*METRICS_PASSWORD is not set[^]*CI_TOOLGATE_TOKEN is not set/,
    )
  })
})
