/** A TCP door to a PostgreSQL, which can fall silent: nothing is refused and nothing is answered, as behind a dead firewall. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'

export type SilentProxy = {
  /** The same database through the proxy. */
  url: string
  /** From now on nothing passes, also on connections that are there. */
  fallSilent(): void
  /** New connections pass again; the silent ones stay silent. */
  answerAgain(): void
  close(): void
}

/** @param url of a server that `startPostgresServer` started */
export async function startSilentProxy(url: string): Promise<SilentProxy> {
  const folder = new URL(url).searchParams.get('host') ?? ''
  const sockets = new Set<Socket>()
  let isSilent = false
  const proxy = createServer((client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    if (isSilent) return
    const server = connect(join(folder, '.s.PGSQL.5432'))
    sockets.add(server)
    server.on('error', () => client.destroy())
    client.pipe(server).pipe(client)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const through = new URL(url)
  through.search = ''
  through.hostname = '127.0.0.1'
  through.port = String(address.port)
  return {
    url: through.href,
    fallSilent() {
      isSilent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    answerAgain: () => void (isSilent = false),
    close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}
