import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import { createBridgeParts } from './bridge-parts.ts'

it('connects the bridge to whatever address a person gives', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const wire = createBridgeParts().openWire(`http://0.0.0.0:${port}/mcp`)
  const failed = Promise.withResolvers<GatewayError>()
  const answer = { head: () => undefined, chunk: () => true, end: () => undefined, fail: failed.resolve }
  wire.send({ method: 'POST', headers: [], body: '{}', silenceMsMax: 5_000 }, answer)
  expect(await failed.promise).toMatchObject({ code: 'upstream_closed' })
  expect(connections).toBe(1)
  await wire.close()
  server.close()
})
