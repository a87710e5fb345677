/** Stands before a server of any transport, and lets in whom a door lets in. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenOnLoopback, type LoopbackServer } from '../conformance/loopback-server.ts'
import type { TokenDoor } from './token-door.ts'

/** @returns at whose address the server of `to` is reached, with the same path */
export async function openDoorProxy(door: TokenDoor, to: string): Promise<LoopbackServer> {
  const { hostname, port, pathname } = new URL(to)
  const server = createServer((req, res) => {
    void door.enter(req.headers).then((known) => (known ? pass({ hostname, port }, req, res) : refuse(res)))
  })
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    void door.enter(req.headers).then((known) => {
      if (!known) return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      const behind = connect(Number(port), hostname)
      const lines = req.rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
      behind.write(`${req.method} ${req.url} HTTP/1.1\r\n${lines}\r\n`)
      behind.write(head)
      for (const one of [behind, socket]) one.on('error', () => undefined)
      behind.pipe(socket).pipe(behind)
    })
  })
  return listenOnLoopback(server, { port: 0, path: pathname })
}

function refuse(res: ServerResponse): void {
  res.writeHead(401, { 'content-length': 0, 'www-authenticate': 'Bearer error="invalid_token"' }).end()
}

function pass(to: { hostname: string; port: string }, req: IncomingMessage, res: ServerResponse): void {
  const { method, url, headers } = req
  const behind = request({ ...to, method, path: url, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    res.flushHeaders()
    answer.pipe(res)
  })
  behind.on('error', () => res.destroy())
  res.on('close', () => behind.destroy())
  req.pipe(behind)
}
