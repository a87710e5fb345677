/** Secrets of a running gateway: kept once, named by servers, changed while they are in use, and seen by upstreams alone. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendModern, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { plant } from '../support/planted.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'

const canaries = { declared: plant('declared'), first: plant('first'), second: plant('second') }

let upstream: RawUpstream
let gateway: ManagedGateway

beforeAll(async () => {
  upstream = await rawUpstream()
  const named = (secretRef: string) => ({ url: upstream.url, credential: { kind: 'bearer', token: { secretRef } } })
  gateway = await startManagedGateway({
    egress: { allow: ['127.0.0.0/8'] },
    secrets: { declared: canaries.declared },
    servers: { one: named('declared'), later: named('stored-later') },
  })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

/** What the upstream was sent when the tools of this server were listed. */
async function authorizationSentTo(server: string): Promise<unknown> {
  const seen = upstream.seen.length
  const response = await sendModern(`${gateway.url}/mcp/${server}`, {
    token: gateway.token,
    message: modernMessage('tools/list'),
  })
  const request = upstream.seen.slice(seen).find(({ message }) => message['method'] === 'tools/list')
  return request?.headers['authorization'] ?? response.status
}

const toServer = (name: string, secretRef: string) => ({
  name,
  transport: { kind: 'streamable_http', url: upstream.url, headers: { Authorization: { secretRef } } },
})

describe('a secret', () => {
  it('of the configuration is sent to the server that names it, and cannot be changed elsewhere', async () => {
    expect(await authorizationSentTo('one')).toBe(`Bearer ${canaries.declared}`)
    const { body } = await gateway.api('GET', '/secrets/declared')
    expect(body).toMatchObject({ value: '[secret]', isReadOnly: true })
    const other = await gateway.api('PUT', '/secrets/declared', { body: { name: 'declared', value: 'x' } })
    expect(other.body).toMatchObject({ code: 'read_only' })
  })

  it('that is stored is used at once, and its next text as well', async () => {
    expect((await gateway.api('POST', '/secrets', { body: { name: 'key', value: canaries.first } })).status).toBe(201)
    expect((await gateway.api('POST', '/servers', { body: toServer('two', 'key') })).status).toBe(201)
    expect(await authorizationSentTo('two')).toBe(canaries.first)
    expect((await gateway.api('PUT', '/secrets/key', { body: { name: 'key', value: canaries.second } })).status).toBe(
      200,
    )
    expect(await authorizationSentTo('two')).toBe(canaries.second)
  })

  it('may be named before it is there: until then the server is not', async () => {
    expect(await authorizationSentTo('later')).toBe(404)
    await gateway.api('POST', '/secrets', { body: { name: 'stored-later', value: canaries.first } })
    expect(await authorizationSentTo('later')).toBe(`Bearer ${canaries.first}`)
  })

  it('stays while a server names it', async () => {
    expect(await gateway.api('DELETE', '/secrets/key')).toMatchObject({
      status: 409,
      body: { code: 'still_referenced', by: [{ kind: 'server', name: 'two' }] },
    })
  })

  it('is in no answer, no log line and no record, and on no disk', async () => {
    const told: unknown[] = [gateway.program.stdout(), gateway.program.stderr()]
    for (const path of ['/secrets', '/secrets/key', '/servers', '/servers/two', '/audit'])
      told.push((await gateway.api('GET', path)).body)
    const files = ['toolgate.db', 'toolgate.db-wal'].map((file) =>
      readFileSync(join(gateway.folder, '.toolgate', file)),
    )
    for (const canary of Object.values(canaries)) {
      expect(JSON.stringify(told)).not.toContain(canary)
      for (const file of files) expect(file.includes(canary)).toBe(false)
    }
    expect(JSON.stringify(told)).toContain('"value"')
  })

  it('is nothing that credentials of owners could be reached by', async () => {
    for (const path of ['/credentials', '/credentials/x']) expect((await gateway.api('GET', path)).status).toBe(404)
    const listed = await gateway.api('GET', '/servers?references=credential:x')
    expect(listed.body).toMatchObject({ code: 'invalid_params' })
  })
})
