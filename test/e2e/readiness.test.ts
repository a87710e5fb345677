/** What the health addresses say while the database is away for longer than what was known is good for. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startProgram, tokenIn, type Program } from '../support/cli/run-program.ts'
import { callApi, passwordIn, signIn } from '../support/management.ts'
import { postgresStartMsMax } from '../support/postgres/databases.ts'
import { startPostgresServer, type PostgresServer } from '../support/postgres/server.ts'
import { until } from '../support/until.ts'

/** The program's clock goes forward by a minute at each signal: nobody has to wait for it. */
const clockThatJumps = `
  const real = Date.now
  let ahead = 0
  Date.now = () => real() + ahead
  process.on('SIGUSR2', () => (ahead += 61_000))
`

describe('a gateway without its database', { timeout: postgresStartMsMax }, () => {
  let folder: string
  let postgres: PostgresServer
  let program: Program
  let url: string
  let bearer: string
  let token: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'toolgate-ready-'))
    postgres = await startPostgresServer()
    const storage = { postgres: await postgres.createDatabase() }
    await writeFile(join(folder, 'toolgate.yaml'), stringify({ listen: { port: 0 }, storage, servers: {} }))
    program = startProgram(['serve'], {
      cwd: folder,
      env: {
        TOOLGATE_SECRET_KEY: randomBytes(32).toString('base64'),
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(clockThatJumps)}`,
      },
    })
    url = await program.untilUp()
    token = tokenIn(program.stdout())
    bearer = await signIn(url, 'admin', passwordIn(program.stdout()))
  }, postgresStartMsMax)
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]()
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const health = async (name: 'live' | 'ready'): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${url}/health/${name}`)
    return { status: response.status, text: await response.text() }
  }
  const whoAmI = () => callApi(url, { method: 'GET', path: '/whoami', bearer })
  const statusOfCall = async (): Promise<number> => {
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    await response.body?.cancel()
    return response.status
  }

  it('is ready while it lets callers in, and says why when it does not, until the database is back', async () => {
    expect(await health('ready')).toEqual({ status: 200, text: 'ok\n' })
    postgres.kill()
    await until('it is noticed', () => program.stderr().includes('the database cannot be reached'), {
      timeoutMs: 20_000,
    })
    expect(await health('ready')).toEqual({ status: 200, text: 'ok\n' })
    expect((await whoAmI()).status).toBe(200)
    program.child.kill('SIGUSR2')
    await until('it is not ready', async () => (await health('ready')).status === 503, { timeoutMs: 20_000 })
    expect(await health('ready')).toEqual({ status: 503, text: 'storage_unavailable\n' })
    expect(await health('live')).toEqual({ status: 200, text: 'ok\n' })
    expect(await statusOfCall()).toBe(503)
    // Who was known a minute ago is nobody who may be let in now, here as there.
    expect(await whoAmI()).toMatchObject({ status: 503, body: { code: 'storage_unavailable' } })
    await postgres.start()
    await until('it is ready again', async () => (await health('ready')).status === 200, { timeoutMs: 20_000 })
    expect((await whoAmI()).status).toBe(200)
    expect(await statusOfCall()).not.toBe(503)
  })
})
