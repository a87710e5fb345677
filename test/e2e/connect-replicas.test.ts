/** Two gateways on one database, behind one address: who begins at one of them comes back to the other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { Browser } from '#test/support/browser.ts'
import { startProgram } from '#test/support/cli/run-program.ts'
import { openConnectLab } from '#test/support/connect-lab.ts'
import { findFreePort } from '#test/support/free-port.ts'
import { postgresDatabases, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { until } from '#test/support/until.ts'

const env = { TOOLGATE_SECRET_KEY: Buffer.alloc(32, 9).toString('base64') }

describe('two gateways', { timeout: postgresStartMsMax }, () => {
  const createDatabase = postgresDatabases()

  it('finish what the other has begun, once', async () => {
    await using opened = new AsyncDisposableStack()
    const [one, two] = [await findFreePort(), await findFreePort()]
    const publicUrl = `http://127.0.0.1:${one}`
    const config = {
      egress: { allow: ['127.0.0.0/8'] },
      policies: { all: { default: 'execute' } },
      storage: { postgres: await createDatabase() },
    }
    const lab = opened.use(
      await openConnectLab({
        config: { ...config, listen: { port: one, publicUrl } },
        env,
        servers: (issuer) => ({
          notes: { credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read'] } },
        }),
      }),
    )
    const folder = await mkdtemp(join(tmpdir(), 'toolgate-second-'))
    opened.defer(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'toolgate.yaml'), stringify({ ...config, listen: { port: two, publicUrl } }))
    await opened.use(startProgram(['serve'], { cwd: folder, env })).untilUp()
    const other = new Browser(`http://127.0.0.1:${two}`)
    const browser = await lab.browserOf('ann')
    other.setCookie('toolgate_sign_in', browser.cookie('toolgate_sign_in') ?? '')
    await until('the other one knows the server', async () => (await other.open('/connect/notes')).status === 200)

    const leaving = await browser.submit(await browser.open('/connect/notes'), '/start')
    const back = await lab.consent(leaving, { login: 'ann at notes' })
    const path = `${back.pathname}${back.search}`
    const pages = await Promise.all([other.open(path), other.open(path)])
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200, 400]))
    expect(pages.map(({ text }) => text).join(' ')).toMatch(
      /notes is connected.*replayed_state|replayed_state.*notes is connected/,
    )
    await until('the first one knows it as well', async () =>
      (await browser.open('/connect')).text.includes('notes Connected'),
    )
    expect((await browser.open(path)).text).toContain('replayed_state')
    const ended = await other.submit(await other.open('/connect'), '/notes/revoke')
    expect(ended.text).toContain('notes Disconnected')
    await until('the first one knows that, too', async () =>
      (await browser.open('/connect')).text.includes('notes Disconnected'),
    )
  })
})
