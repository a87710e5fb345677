/** Stands before a server of any transport, and lets in whom a door lets in. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenOnLoopback, type LoopbackServer } from '../conformance/loopback-server.ts'
import type { TokenDoor } from './token-door.ts'

type Place = { hostname: string; port: string }

/** @returns at whose address the server of `to` is reached, with the same path */
export function openDoorProxy(door: TokenDoor, to: string): Promise<LoopbackServer> {
  const place = new URL(to)
  const server = createServer((req, res) => void answer(req, res))
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(req, socket, head))
  return listenOnLoopback(server, { port: 0, path: place.pathname })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (await door.enter(req.headers)) pass(place, req, res)
    else refuse(res)
  }

  async function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const known = await door.enter(req.headers)
    if (known) return passUpgrade(place, req, { socket, head })
    socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  }
}

function passUpgrade({ hostname, port }: Place, req: IncomingMessage, from: { socket: Duplex; head: Buffer }): void {
  const behind = connect(Number(port), hostname)
  const lines = req.rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
  behind.write(`${req.method} ${req.url} HTTP/1.1\r\n${lines}\r\n`)
  behind.write(from.head)
  for (const one of [behind, from.socket]) one.on('error', () => undefined)
  behind.pipe(from.socket).pipe(behind)
}

function refuse(res: ServerResponse): void {
  res.writeHead(401, { 'content-length': 0, 'www-authenticate': 'Bearer error="invalid_token"' }).end()
}

function pass({ hostname, port }: Place, req: IncomingMessage, res: ServerResponse): void {
  const { method, url, headers } = req
  const behind = request({ hostname, port, method, path: url, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    res.flushHeaders()
    answer.pipe(res)
  })
  behind.on('error', () => res.destroy())
  res.on('close', () => behind.destroy())
  req.pipe(behind)
}
