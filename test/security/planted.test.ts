/** Who looks for planted secrets is looked at: a leak at each way out is found, and what it is made of is seen. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { GatewayError } from '#contract/errors.ts'
import { openAuthorizationServer } from '../support/authorization-server.ts'
import { createAuthority } from '../support/certificates.ts'
import { lookAtTrouble, plant, takeFinds, type Seam } from '../support/planted.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'
import { withClient } from '../support/postgres/server.ts'
import { lookAtRows } from '../support/planted/rows.ts'
import { post } from '../support/raw-client.ts'
import { startRawGateway } from '../support/raw-gateway.ts'
import { exchange, openEvents } from '../support/raw-http.ts'
import { ownClient } from '../support/token-door.ts'
import { until } from '../support/until.ts'

const secret = plant('looked-for')
const ofFiles = plant('of-files', { childOf: 'files' })
const ofOther = plant('of-other', { childOf: 'other' })

/** Each once; none is left to fail the test. */
function found(): string[] {
  return [...new Set(takeFinds().map(({ seam, text }) => `${seam}: ${text}`))].toSorted()
}
const at = (seam: Seam, text = secret): string[] => [`${seam}: ${text}`]

const servers: Server[] = []
const sockets = new Set<Socket>()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-planted-'))
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  for (const server of servers.splice(0)) {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
})

async function serve(server: Server, place: number | string = 0): Promise<number> {
  servers.push(server)
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  server.listen(place)
  await once(server, 'listening')
  return typeof place === 'string' ? 0 : (server.address() as AddressInfo).port
}

const saying = (...parts: (string | Buffer)[]) =>
  createServer((socket: Socket) => {
    socket.setNoDelay(true).on('error', () => undefined)
    void (async () => {
      for (const part of parts) await new Promise((resolve) => setTimeout(resolve, 20, socket.write(part)))
      socket.end()
    })()
  })

const spellings: [string, string | Buffer][] = [
  ['as it is', secret],
  ['within a sentence', `the key ${secret} is not valid`],
  ['in base64', Buffer.from(secret).toString('base64')],
  ['in the base64 of a name and a password', `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`],
  ['in base64 behind two letters', Buffer.from(`ab${secret}z`).toString('base64')],
  ['in base64url', Buffer.from(`{"a":"${secret}"}`).toString('base64url')],
  ['in hexadecimal', Buffer.from(secret).toString('hex')],
  ['in capital hexadecimal', Buffer.from(secret).toString('hex').toUpperCase()],
  ['percent-encoded', Buffer.from(secret).toString('hex').replaceAll(/../g, '%$&')],
  ['in JSON within JSON', JSON.stringify(JSON.stringify({ secret }))],
  ['among bytes that are no text', Buffer.concat([Buffer.from([0, 255, 254]), Buffer.from(secret), Buffer.alloc(9)])],
]

describe('on a connection a secret is found', () => {
  it.each(spellings)('%s', async (_how, said) => {
    const port = await serve(saying(said))
    await buffer(connect(port, '127.0.0.1'))
    expect(found()).toEqual(at('connections'))
  })

  it('that comes in pieces, once', async () => {
    const port = await serve(
      saying('a'.repeat(300), secret.slice(0, 7), secret.slice(7, 20), `${secret.slice(20)}, and`),
    )
    await buffer(connect(port, '127.0.0.1'))
    expect(takeFinds()).toHaveLength(1)
  })

  it('by name: nothing else is taken for it', async () => {
    const port = await serve(saying(`planted-looked-for-${'0'.repeat(24)} ${secret.slice(1)} ${secret.slice(0, -1)}`))
    await buffer(connect(port, '127.0.0.1'))
    expect(found()).toEqual([])
  })

  it('in a status line, a header and a body, whichever client asks', async () => {
    const heads = [
      `HTTP/1.1 200 ${secret}\r\nconnection: close\r\n\r\n`,
      `HTTP/1.1 401 No\r\nwww-authenticate: Bearer realm="${secret}"\r\nconnection: close\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${secret}`,
    ]
    for (const head of heads) {
      const url = `http://127.0.0.1:${await serve(saying(head))}/`
      await exchange(url)
      expect(found()).toEqual(at('connections'))
      await (await fetch(url)).text()
      expect(found()).toEqual(at('connections'))
    }
  })

  it('in an event, in a frame, behind TLS, and on a Unix socket', async () => {
    const http = createHttpServer((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${secret}\n\n`)
    })
    new WebSocketServer({ server: http }).on('connection', (ws) => ws.send(secret))
    const port = await serve(http)
    await (
      await openEvents(`http://127.0.0.1:${port}/`)
    ).ended
    expect(found()).toEqual(at('connections'))
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`)
    await once(ws, 'message')
    ws.terminate()
    expect(found()).toEqual(at('connections'))

    const { certificate, key } = createAuthority('ours').issue('server', ['localhost'])
    const tls = await serve(createTlsServer({ cert: certificate, key }, (socket) => socket.end(secret)))
    await text(connectTls({ port: tls, host: '127.0.0.1', rejectUnauthorized: false }))
    expect(found()).toEqual(at('connections'))

    await serve(saying(secret), join(folder, 'socket'))
    await text(connect(join(folder, 'socket')))
    expect(found()).toEqual(at('connections'))
  })
})

/** A program that is taken for Toolgate, by the last of its arguments. */
const toolgate = (script: string, env: Record<string, string> = {}, args: string[] = []) =>
  spawn(process.execPath, ['-e', script, ...args, '/src/main.ts'], { cwd: folder, env, stdio: 'pipe' })

describe('of a process a secret is found', () => {
  it.each(['stdout', 'stderr'])('that it writes to %s', async (stream) => {
    const child = toolgate(`process.${stream}.write(process.env.KEY)`, { KEY: secret })
    child.stdout.resume()
    child.stderr.resume()
    await once(child, 'close')
    expect(found()).toEqual(at('output'))
  })

  it('that is among its arguments', async () => {
    await once(toolgate('', {}, [secret]), 'close')
    expect(found()).toEqual(at('starts'))
  })

  it('that is in an environment where it does not belong', async () => {
    const start = async (env: Record<string, string>) => {
      await once(spawn(process.execPath, ['-e', ''], { env }), 'close')
      return found()
    }
    expect(await start({ A: secret })).toEqual(at('starts'))
    expect(await start({ A: ofFiles })).toEqual([])
    expect(await start({ A: ofFiles, B: ofOther })).toEqual(at('starts', ofOther))
  })

  it.runIf(process.platform === 'linux')('that something below it was started with', async () => {
    const program = `
      const { spawn } = require('node:child_process')
      const [own, others, argument] = JSON.parse(process.env.KEYS)
      const wait = ['-e', 'console.log(1); setInterval(() => {}, 9999)']
      const start = (env, more = []) => spawn(process.execPath, [...wait, ...more], { env, stdio: ['ignore', 'inherit', 'ignore'] })
      const all = [start({ A: own }), start({ A: own, B: others }), start({}, [argument])]
      process.once('SIGTERM', () => { for (const one of all) one.kill(); process.exit(0) })`
    const child = toolgate(program, { KEYS: JSON.stringify([ofFiles, ofOther, secret]) })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
    await until('all of them run', () => said === '1\n1\n1\n', { timeoutMs: 10_000 })
    child.kill()
    await once(child, 'close')
    expect(found()).toEqual([...at('processes', secret), ...at('processes', ofOther)])
  })

  it('that it leaves in a database, though the log is not in it yet', async () => {
    const program = `
      const { DatabaseSync } = require('node:sqlite')
      const { mkdirSync } = require('node:fs')
      mkdirSync('data')
      const db = new DatabaseSync('data/x.db')
      db.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (a blob)')
      db.prepare('insert into t values (?)').run(Buffer.from(process.env.KEY))
      process.kill(process.pid, 'SIGKILL')`
    const child = toolgate(program, { KEY: secret })
    await once(child, 'close')
    expect(found()).toEqual(at('files'))
  })
})

describe('in what is stored a secret is found', () => {
  it('that is a value of a SQLite in this process', () => {
    using db = new DatabaseSync(':memory:')
    db.exec('create table t (a, b)')
    db.prepare('insert into t values (?, ?)').run(1, `{"a":"${secret}"}`)
    expect(found()).toEqual(at('values'))
    db.prepare('select ? as a').get(Buffer.from(secret))
    expect(found()).toEqual(at('values'))
  })

  describe('in PostgreSQL', () => {
    const createDatabase = postgresDatabases()

    it('that is in a row, as text and as bytes', { timeout: postgresStartMsMax }, async () => {
      const url = await createDatabase()
      await withClient(url, async (client) => {
        await client.query('create table texts (a jsonb)')
        await client.query('create table "By tes" (a bytea)')
        await client.query('insert into texts values ($1)', [JSON.stringify({ a: [secret] })])
        await client.query('insert into "By tes" values ($1)', [Buffer.from(ofFiles)])
      })
      expect(found()).toEqual([])
      await lookAtRows(url)
      expect(found()).toEqual(
        [secret, ofFiles].flatMap((text) => [...at('connections', text), ...at('rows', text)]).toSorted(),
      )
      await withClient(url, (client) => client.query('drop table texts, "By tes"'))
    })
  })
})

describe('of an authorization server', () => {
  it('what it issues is looked for from then on, but on its own connections', async () => {
    await using issuer = await openAuthorizationServer({ clients: [ownClient('of-the-client')] })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'gateway',
      client_secret: 'of-the-client',
    })
    const answer = await fetch(`${issuer.issuer}/token`, { method: 'POST', body })
    const { access_token: token } = (await answer.json()) as { access_token: string }
    expect(found()).toEqual([])
    await buffer(connect(await serve(saying(`the token ${token}`)), '127.0.0.1'))
    expect(found()).toEqual(at('connections', token))
  })
})

describe('in what is told a secret is found', () => {
  it('that is anywhere in a failure', () => {
    const failures = [
      new GatewayError('upstream_timeout', { cause: new Error('a', { cause: { deep: { secret } } }) }),
      new GatewayError('upstream_timeout', { details: { reason: secret } }),
      Object.assign(new Error('a'), { hidden: { buried: [secret] } }),
      { secret },
      secret,
    ]
    for (const failure of failures) {
      lookAtTrouble(failure)
      expect(found()).toEqual(at('troubles'))
    }
    lookAtTrouble(new Error('a'), `diagnosis: ${secret}`)
    expect(found()).toEqual(at('troubles'))
  })

  it('that is in an event of a gateway’s record, when it has ended', async () => {
    const gateway = await startRawGateway({ servers: [] })
    await post(gateway, { jsonrpc: '2.0', id: 1, method: `tools/${secret}` })
    takeFinds()
    await gateway[Symbol.asyncDispose]()
    expect(found()).toEqual(at('audit'))
  })
})
