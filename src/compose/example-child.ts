/** The `everything` example server: a child that serves Streamable HTTP, for this gateway only. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import type { Logger } from 'pino'
import { superviseChild } from '#adapters/mcp-stdio/supervised-child.ts'
import { Server } from '#contract/server.ts'
import { PortGate } from './port-gate.ts'
import { tellingLines } from './telling-lines.ts'

export type ExampleChild = {
  server: Server
  /** Null: it listens. See PortGate. */
  untilUp: () => Promise<void> | null
  close: () => Promise<void>
}

const upMsMax = 10_000
const keyVariable = 'TOOLGATE_DOOR_KEY'

/**
 * Runs in the child before the server's own code. By itself that server listens on every interface and answers everybody, pages in
 * a browser included; here it listens on loopback and answers who has the key. The key is out of the environment before a tool can
 * read it there.
 */
const door = `
import http from 'node:http'
import net from 'node:net'
const key = process.env.${keyVariable}
delete process.env.${keyVariable}
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, '127.0.0.1', ...rest)
}
const { emit } = http.Server.prototype
http.Server.prototype.emit = function (name, req, res) {
  if (name !== 'request' || req.headers.authorization === 'Bearer ' + key) return emit.apply(this, arguments)
  res.writeHead(401).end()
  return true
}
`

/** @param script the server's program */
export async function startExampleChild(script: string, log: Logger): Promise<ExampleChild> {
  const port = await findFreePort()
  const key = randomBytes(32).toString('base64url')
  const gate = new PortGate(port, upMsMax)
  const child = superviseChild({
    command: process.execPath,
    args: ['--import', `data:text/javascript,${encodeURIComponent(door)}`, script, 'streamableHttp'],
    env: { PORT: String(port), [keyVariable]: key },
    onStart: () => gate.watch(),
    onEnd: ({ reason, restartMs, stderr }) => {
      gate.shut()
      log.warn(
        { server: 'everything', reason, restartMs, stderr: tellingLines(stderr) },
        'a server ended; it is restarted',
      )
    },
  })
  const server = Server.parse({
    name: 'everything',
    transport: {
      kind: 'streamable_http',
      url: `http://127.0.0.1:${port}/mcp`,
      credential: { kind: 'bearer', token: key },
    },
    isolation: 'principal',
  })
  return {
    server,
    untilUp: () => gate.untilOpen(),
    async close() {
      gate.shut()
      await child.close()
    },
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', resolve)
  })
  const address = probe.address()
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no free port was found')
  return address.port
}
