/** What holds for every wire that opens connections: the guard is asked first, and what it judged is what is connected to. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Egress } from '#core/egress/egress.ts'
import { namedEgress } from '#test/support/egress.ts'

/** Makes a wire, uses it until it has failed, and says how. The URL begins with `http:` or `https:`. */
export type TryToConnect = (url: string, egress: Egress) => Promise<{ code: string; details: object }>

export function describeGuardedConnections(name: string, tryToConnect: TryToConnect): void {
  describe(`${name}: the guard`, () => {
    let server: Server
    let port: number
    let connections: number

    beforeEach(async () => {
      connections = 0
      server = createServer((socket) => {
        connections++
        socket.on('error', () => undefined).destroy()
      })
      // Both families, where there are two.
      server.listen(0)
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    })
    afterEach(async () => {
      server.close()
      await once(server, 'close')
    })

    it.each([
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '2130706433',
      '017700000001',
      '0177.0.0.01',
      '127.0.0.1.',
      '１２７.0.0.1',
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::FFFF:7f00:1]',
      '[64:ff9b::7f00:1]',
    ])('opens nothing to %s', async (host) => {
      const egress = namedEgress({})
      for (const scheme of ['http', 'https']) {
        const error = await tryToConnect(`${scheme}://${host}:${port}/mcp`, egress)
        expect(error).toMatchObject({ code: 'egress_forbidden', details: { rule: 'loopback' } })
      }
      expect({ connections, asked: egress.asked }).toEqual({ connections: 0, asked: [] })
    })

    it.each(['http://169.254.169.254/latest/meta-data/', 'http://[::ffff:a9fe:a9fe]/', 'https://[fd00:ec2::254]/'])(
      'opens nothing to %s, whoever declared it',
      async (url) => {
        const error = await tryToConnect(url, namedEgress({}, { isOpen: true }))
        expect(error).toMatchObject({ code: 'egress_forbidden', details: { rule: 'metadata' } })
      },
    )

    it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.0.0.1 192.0.2.1', '192.0.2.1 127.0.0.1'])(
      'opens nothing to a name that is at %s',
      async (addresses) => {
        const egress = namedEgress({ 'inside.example': [addresses] })
        for (const scheme of ['http', 'https']) {
          const error = await tryToConnect(`${scheme}://inside.example:${port}/mcp`, egress)
          expect(error).toMatchObject({ code: 'egress_forbidden', details: { rule: 'loopback' } })
          expect(JSON.stringify(error)).not.toContain('127.0.0.1')
        }
        expect(connections).toBe(0)
        expect(egress.asked).toEqual(['inside.example', 'inside.example'])
      },
    )

    it('looks a name up once for a connection, and connects to the address that was judged', async () => {
      const egress = namedEgress({ 'turning.example': ['127.0.0.1', '169.254.169.254'] }, { isOpen: true })
      const first = await tryToConnect(`http://turning.example:${port}/mcp`, egress)
      expect(first.code).not.toBe('egress_forbidden')
      expect({ connections, asked: egress.asked }).toEqual({ connections: 1, asked: ['turning.example'] })
      const second = await tryToConnect(`http://turning.example:${port}/mcp`, egress)
      expect(second).toMatchObject({ code: 'egress_forbidden', details: { rule: 'metadata' } })
      expect(connections).toBe(1)
    })
  })
}
