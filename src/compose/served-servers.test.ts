import { describe, expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { resource } from '#test/support/resources.ts'
import { createServedServers } from './served-servers.ts'

const canary = 'CANARY-1'
const key = resource('secret', 'key', { value: canary })
const git = resource('server', 'git', {
  transport: {
    kind: 'streamable_http',
    url: 'https://a.example/mcp',
    credential: { kind: 'bearer', token: { secretRef: key.id } },
  },
})
const plain = resource('server', 'plain')

function house(...resources: Resource[]) {
  const snapshot = new ResourceSnapshot()
  const troubles: { server: string; error: GatewayError }[] = []
  const put = (...changed: Resource[]) => snapshot.apply({ changed, deleted: [], isWhole: false })
  put(...resources)
  const serve = createServedServers({ snapshot, onTrouble: (server, error) => troubles.push({ server, error }) })
  const tokenOf = (name: string): unknown => {
    const server = serve().find((one) => one.name === name)
    return server?.transport.kind === 'stdio' ? null : server?.transport.credential
  }
  return { snapshot, put, serve, tokenOf, troubles }
}

describe('the servers that are offered', () => {
  it('have the texts of the secrets that they name', () => {
    expect(house(key, git).tokenOf('git')).toMatchObject({ token: canary })
  })

  it('are the very same as long as nothing of theirs has changed', () => {
    const { put, serve } = house(key, git, plain)
    const [first] = [serve()]
    put(resource('team', 'blue'))
    expect(serve()).toEqual(first)
    expect(serve().every((server, index) => server === first[index])).toBe(true)
  })

  it('have another text when the secret has, and only those that name it', () => {
    const { put, serve, tokenOf } = house(key, git, plain)
    const before = serve()
    put({ ...key, version: 2, spec: { value: 'CANARY-2' } })
    expect(tokenOf('git')).toMatchObject({ token: 'CANARY-2' })
    expect(serve().find(({ name }) => name === 'plain')).toBe(before.find(({ name }) => name === 'plain'))
  })

  it('are without one whose secret is not there, until it is', () => {
    const { put, serve, troubles } = house(git, plain)
    expect(serve().map(({ name }) => name)).toEqual(['plain'])
    serve()
    expect(troubles.map(({ server, error }) => [server, error.code, error.details['path']])).toEqual([
      ['git', 'config_invalid', 'transport.credential.token'],
    ])
    put(key)
    expect(serve().map(({ name }) => name)).toEqual(['git', 'plain'])
  })

  it('may name a secret by its name, as a declaration does', () => {
    const credential = { kind: 'bearer', token: { secretRef: 'key' } }
    const declared = {
      ...git,
      id: 'cfg_server_git',
      spec: { ...git.spec, transport: { ...git.spec.transport, credential } },
    }
    expect(house(key, declared as Resource).tokenOf('git')).toMatchObject({ token: canary })
  })
})
