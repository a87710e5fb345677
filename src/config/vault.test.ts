import { describe, expect, it } from 'vitest'
import { loadConfig } from './load.ts'
import type { LoadedConfig } from './loaded-config.ts'
import { ConfigError } from './config-error.ts'

const load = (text: string): LoadedConfig => loadConfig({ path: '/etc/toolgate/toolgate.yaml', text, env: {} })

function problemsOf(text: string): string[] {
  try {
    load(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  throw new Error('it was taken')
}

describe('vault', () => {
  it.each(['', 'vault:', 'vault: { kind: local }'])('is this machine’s with %j', (text) => {
    expect(load(text).vault).toEqual({ kind: 'local' })
  })

  it('is a transit key, with what is usual there', () => {
    expect(load('vault: { kind: transit, key: toolgate }').vault).toEqual({
      kind: 'transit',
      mount: 'transit',
      key: 'toolgate',
      isDerived: false,
      login: { kind: 'token' },
    })
  })

  it('names files from the folder of the document on', () => {
    const transit = 'kind: transit, key: k, ca: ca.pem, login: { kind: approle, roleId: r, secretIdFile: run/id }'
    const files = {
      ca: '/etc/toolgate/ca.pem',
      login: { kind: 'approle', mount: 'approle', roleId: 'r', secretIdFile: '/etc/toolgate/run/id' },
    }
    expect(load(`vault: { ${transit} }`).vault).toMatchObject(files)
    expect(load(`vault: { kind: local, previous: { ${transit} } }`).vault).toMatchObject({ previous: files })
    const { vault } = load('vault: { kind: transit, key: k, login: { kind: token, tokenFile: /run/token } }')
    expect(vault).toMatchObject({ login: { tokenFile: '/run/token' } })
    expect(load('vault: { kind: transit, key: k, login: { kind: kubernetes, role: r } }').vault).toMatchObject({
      login: { mount: 'kubernetes', tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
    })
  })

  it.each([
    ['vault: { kind: transit }', 'vault.key: is required: text'],
    ['vault: { kind: kms, key: k }', 'vault.kind: must be one of "local", "transit"'],
    ['vault: { key: k }', 'vault.kind: is required: one of "local", "transit"'],
    ['vault: { kind: transit, key: a/b }', 'vault.key: must be a name'],
    ['vault: { kind: transit, key: .. }', 'vault.key: must be a name'],
    ['vault: { kind: transit, key: k, mount: ../sys }', 'vault.mount: must be a path such as transit or team/transit'],
    ['vault: { kind: transit, key: k, adress: "https://x" }', 'vault.adress: unknown key; did you mean "address"?'],
    ['vault: { kind: transit, key: k, token: canary }', 'vault.token: unknown key'],
    ['vault: { kind: local, key: k }', 'vault.key: unknown key'],
    ['vault: { kind: transit, key: k, address: canary }', 'vault.address: must be a complete URL'],
    ['vault: { kind: transit, key: k, login: { kind: approle, roleId: r } }', 'vault.login.secretIdFile: is required'],
  ])('%s is refused by name', (text, problem) => {
    const problems = problemsOf(text)
    expect(problems.join('\n')).toContain(problem)
    expect(problems.join('\n')).not.toContain('canary')
  })
})
