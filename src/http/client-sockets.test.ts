import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientSockets } from './client-sockets.ts'

let now = 0
let sockets: ClientSockets
let server: Server
let agent: Agent

beforeEach(async () => {
  sockets = new ClientSockets(() => now)
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
  server = createServer({ keepAliveTimeout: 0 })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  agent.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

/** Answers as `respond` does it. */
async function ask(respond: (res: ServerResponse) => void): Promise<IncomingMessage> {
  server.removeAllListeners('request').on('request', (req: IncomingMessage, res: ServerResponse) => {
    sockets.used(req.socket, res)
    respond(res)
  })
  const sent = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

const end = (res: ServerResponse): void => void res.end('done')
const afterSeconds = (seconds: number): void => {
  now += seconds * 1000
  sockets.sweep()
}
const openCount = (): number => [...sockets.all].length

describe('a connection', () => {
  it('is closed when nobody has used it for 65 seconds, and not before', async () => {
    const answer = await ask(end)
    answer.resume()
    await once(answer, 'end')
    afterSeconds(5)
    afterSeconds(64)
    expect([...sockets.all].map(({ destroyed }) => destroyed)).toEqual([false])
    const [socket] = sockets.all
    afterSeconds(1)
    expect(socket?.destroyed).toBe(true)
    await expect.poll(openCount).toBe(0)
  })

  it('lives as long as it is used again', async () => {
    for (let time = 0; time < 3; time++) {
      const answer = await ask(end)
      answer.resume()
      await once(answer, 'end')
      afterSeconds(40)
    }
    expect(openCount()).toBe(1)
  })

  it('lives as long as an answer is under way on it, however long that says nothing', async () => {
    const begun = Promise.withResolvers<ServerResponse>()
    const answer = await ask((res) => {
      res.writeHead(200).flushHeaders()
      begun.resolve(res)
    })
    afterSeconds(100)
    afterSeconds(100)
    expect(openCount()).toBe(1)
    const res = await begun.promise
    res.end('done')
    answer.resume()
    await once(answer, 'end')
  })

  it('is left alone once it speaks another protocol', async () => {
    const answer = await ask(end)
    answer.resume()
    await once(answer, 'end')
    const [socket] = sockets.all
    if (socket) sockets.release(socket)
    afterSeconds(5)
    afterSeconds(100)
    expect(socket?.destroyed).toBe(false)
  })
})
