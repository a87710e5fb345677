import type { Server } from 'node:http'

export type LoopbackServer = AsyncDisposable & { url: string; port: number }

type LoopbackOptions = {
  /** 0 takes a free port. */
  port: number
  /** Appended to the address, for example `/mcp`. */
  path: string
  /** Runs before the connections are cut. */
  onClose?: () => Promise<void>
}

/** Listens on 127.0.0.1 only. Disposing cuts every open connection and waits until the port is free. */
export async function listenOnLoopback(server: Server, options: LoopbackOptions): Promise<LoopbackServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}${options.path}`,
    async [Symbol.asyncDispose]() {
      await options.onClose?.()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
