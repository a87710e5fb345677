/** Who may store servers points them at what only the gateway can reach: nothing is connected to, whatever it is called. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sendModern, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

/** Another service of this machine, which counts who comes. */
let inside: Server
let connections = 0
let port: number
let upstream: RawUpstream
let gateway: ManagedGateway

const configuration = () => ({
  servers: {
    declared: { url: upstream.url },
    metadata: { url: 'http://169.254.169.254/latest/meta-data/' },
  },
})

beforeAll(async () => {
  inside = createServer((_req, res) => void res.end('the secret of the inside')).on('connection', () => connections++)
  inside.listen(0)
  await once(inside, 'listening')
  port = (inside.address() as AddressInfo).port
  upstream = await rawUpstream({ tools: ['echo'] })
  gateway = await startManagedGateway(configuration())
})

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
  inside?.close()
})

const call = (server: string): Promise<Response> =>
  sendModern(`${gateway.url}/mcp/${server}`, {
    token: gateway.token,
    message: modernMessage('tools/call', { name: 'echo' }),
  })

async function storeServer(name: string, transport: object): Promise<void> {
  const { status } = await gateway.api('POST', '/servers', { body: { name, transport } })
  expect(status).toBe(201)
}

let count = 0

/** Stores it, calls it, removes it. @returns all that the caller got */
async function callStored(transport: object): Promise<{ status: number; text: string }> {
  const name = `stored-${count++}`
  await storeServer(name, transport)
  const response = await call(name)
  const answer = { status: response.status, text: await response.text() }
  expect((await gateway.api('DELETE', `/servers/${name}`)).status).toBe(204)
  return answer
}

/** An address of this machine that is no loopback one, where it has any. */
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((found) => found?.family === 'IPv4' && !found.internal)?.address

describe('a server that was stored over the management API', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0.0.0.0',
    'localhost',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    ...(ownAddress === undefined ? [] : [ownAddress]),
  ])('reaches no other service at %s, over no transport', async (host) => {
    for (const [kind, scheme] of [
      ['streamable_http', 'http'],
      ['streamable_http', 'https'],
      ['sse', 'http'],
      ['websocket', 'ws'],
      ['websocket', 'wss'],
    ]) {
      const { status, text } = await callStored({ kind, url: `${scheme}://${host}:${port}/` })
      expect({ status, text }).toEqual({
        status: expect.any(Number),
        text: expect.stringContaining('egress_forbidden'),
      })
      expect(text).not.toContain('127.0.0.1')
    }
    expect(connections).toBe(0)
  })

  it.each([
    'http://169.254.169.254/latest/',
    'http://2852039166/',
    'http://[fd00:ec2::254]/',
    'http://100.100.100.200/',
  ])('reaches no metadata at %s', async (url) => {
    const { text } = await callStored({ kind: 'streamable_http', url })
    expect(text).toContain('egress_forbidden')
    expect(text).not.toContain('169.254')
  })

  it('does not reach the gateway itself', async () => {
    const { text } = await callStored({ kind: 'streamable_http', url: `${gateway.url}/mcp` })
    expect(text).toContain('egress_forbidden')
  })

  it.each(['file:///etc/passwd', 'ws+unix:///var/run/docker.sock:/', 'gopher://127.0.0.1/', 'ftp://127.0.0.1/'])(
    'has no address such as %s',
    async (url) => {
      for (const kind of ['streamable_http', 'sse', 'websocket']) {
        const { status } = await gateway.api('POST', '/servers', { body: { name: 'odd', transport: { kind, url } } })
        expect(status).toBe(422)
      }
    },
  )

  it('is told to the operator with the rule that refused it', async () => {
    await callStored({ kind: 'streamable_http', url: `http://localhost:${port}/` })
    const line = gateway.program
      .stderr()
      .split('\n')
      .findLast((text) => text.includes('egress_forbidden'))
    expect(line).toContain('loopback')
  })
})

describe('a server of the configuration', () => {
  it('may be on this machine', async () => {
    const response = await call('declared')
    expect(response.status).toBe(200)
    expect(upstream.seen.length).toBeGreaterThan(0)
  })

  it('reaches no metadata either', async () => {
    expect(await (await call('metadata')).text()).toContain('egress_forbidden')
  })

  it('lends its name to no stored one once it is gone', async () => {
    await storeServer('later', { kind: 'streamable_http', url: `http://127.0.0.1:${port}/` })
    expect(await (await call('later')).text()).toContain('egress_forbidden')
    const { servers } = configuration()
    await writeConfig({ servers: { ...servers, later: { url: upstream.url } } })
    await until('it is declared', async () => (await call('later')).status === 200)
    await writeConfig({ servers })
    await until('it is the stored one again', async () =>
      (await (await call('later')).text()).includes('egress_forbidden'),
    )
    expect(connections).toBe(0)
  })
})

async function writeConfig(config: object): Promise<void> {
  const path = join(gateway.folder, 'toolgate.yaml')
  await writeFile(`${path}.new`, stringify({ listen: { port: 0 }, ...config }))
  await rename(`${path}.new`, path)
}

describe('egress.allow', () => {
  it('opens a range to stored servers while the gateway runs, and metadata never', async () => {
    await storeServer('opened', { kind: 'streamable_http', url: upstream.url })
    expect(await (await call('opened')).text()).toContain('egress_forbidden')
    await writeConfig({ ...configuration(), egress: { allow: ['127.0.0.0/8', '169.254.0.0/16'] } })
    await until('it is open', async () => (await call('opened')).status === 200)
    const { text } = await callStored({ kind: 'streamable_http', url: 'http://169.254.169.254/' })
    expect(text).toContain('egress_forbidden')
  })
})
