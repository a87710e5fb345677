/**
 * Vitest runs this once before all tests. The first test that asks starts the one PostgreSQL of the run; a run in which
 * none asks starts none.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgresServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Ask here, over a Unix socket, for the address of a database: `create`, or `drop` and the address. */
    postgresDesk: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-desk-'))
  const path = join(folder, 'desk')
  let started: Promise<PostgresServer> | undefined

  async function answer(request: string): Promise<string> {
    const server = await (started ??= startPostgresServer())
    const [word, url = ''] = request.split(' ')
    if (word === 'create') return server.createDatabase()
    await server.dropDatabase(url)
    return 'dropped'
  }

  const desk = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('utf8').once('data', (request: string) => {
      answer(request).then(
        (text) => socket.end(text),
        (error: unknown) => socket.end(`failed: ${String(error)}`),
      )
    })
    socket.on('error', () => socket.destroy())
  })
  desk.listen(path)
  await once(desk, 'listening')
  project.provide('postgresDesk', path)

  return async () => {
    desk.close()
    await (await started)?.stop()
    rmSync(folder, { recursive: true })
  }
}
