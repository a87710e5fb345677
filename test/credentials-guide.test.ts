/** The guide is true: every example on docs/guides/credentials.md loads, and each kind and each refusal that it names is there. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '#config/load.ts'
import { Credential } from '#contract/credential.ts'

const guide = readFileSync(new URL('../docs/guides/credentials.md', import.meta.url), 'utf8')
const examples = [...guide.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, yaml = '']) => yaml)
const pem = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'
const env = Object.fromEntries(
  ['ISSUES_TOKEN', 'A_TOKEN', 'B_KEY', 'D_SECRET', 'G_SECRET', 'TOOLS_SECRET'].map((name) => [name, 'a-value']),
)
const load = (text: string) => loadConfig({ path: null, text, env: { ...env, E_PRIVATE_KEY: pem } })

describe('the guide to credentials', () => {
  it.each(examples)('has an example that loads: %s', (text) => {
    expect(load(text).servers.length).toBeGreaterThan(1)
  })

  it('shows every kind, in the table and in an example', () => {
    const kinds = Credential.options.map((option) => option.shape.kind.value)
    expect(kinds.filter((kind) => !guide.includes(`| \`${kind}\` |`))).toEqual([])
    const shown = examples
      .flatMap((text) => load(text).servers)
      .map(({ transport }) => (transport.kind === 'stdio' ? '' : transport.credential.kind))
    const inTableAlone = ['token', 'authorization', 'basic']
    expect(kinds.filter((kind) => !shown.includes(kind))).toEqual(expect.arrayContaining(inTableAlone))
    expect(kinds.filter((kind) => !shown.includes(kind) && !inTableAlone.includes(kind))).toEqual([])
  })

  it('says of the last example what it becomes', () => {
    const { servers } = load(examples.at(-1) ?? '')
    expect(servers.map(({ name, transport }) => [name, transport.kind])).toEqual([
      ['protected_tools', 'streamable_http'],
      ['issues', 'sse'],
    ])
  })
})
