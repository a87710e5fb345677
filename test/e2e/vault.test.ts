/** The keys that stored secrets are sealed with: replaced while gateways run, and kept by a vault elsewhere. */
import { readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { deriveKey } from '#adapters/crypto/derived-key.ts'
import { createSealer } from '#adapters/crypto/sealer.ts'
import { openDatabase } from '#adapters/sql/database.ts'
import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
import { openVault } from '#compose/vault.ts'
import { createSealedStore } from '#core/resources/seal-resources.ts'
import { startProgram, tokenIn } from '../support/cli/run-program.ts'
import { startFakeVault } from '../support/fake-vault.ts'
import { findFreePort } from '../support/free-port.ts'
import { callApi, sendModern, signIn, type Api } from '../support/management.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'
import { until } from '../support/until.ts'
import { adminOf, canary, openVaultLab, sealedIn, serverBody, storeServers } from '../support/vault-lab.ts'

const patience = { timeoutMs: 30_000 }
const namesTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`)

/** Changes each in turn, and reads it, until it is told to end. Gives how often it has changed each. */
async function writeOn(api: Api, names: readonly string[], ending: { isOver: boolean }): Promise<Map<string, number>> {
  const done = new Map<string, number>()
  for (let count = 0; !ending.isOver; count++) {
    const name = names[count % names.length] ?? ''
    const written = await api('PUT', `/servers/${name}`, { body: serverBody(name, undefined, [`l${count}`]) })
    const read = await api('GET', `/servers/${name}`)
    expect([written.status, read.status]).toEqual([200, 200])
    done.set(name, (done.get(name) ?? 0) + 1)
  }
  return done
}

async function versionsOf(api: Api, names: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(names.map((name) => api('GET', `/servers/${name}`)))
  return answers.map(({ headers }) => headers.get('etag') ?? '')
}

/** What the servers in a database say, by their ids. */
async function specsIn(path: string, secret: Buffer): Promise<[id: string, spec: unknown][]> {
  const database = await openDatabase({ path })
  const options = { secret: { current: secret, previous: null }, config: { kind: 'local' }, env: {} } as const
  const { vault } = await openVault(database, options)
  const { changed } = await createSealedStore(createSqlResourceStore({ database }), vault).load()
  await database.close()
  return changed.filter(({ kind }) => kind === 'server').map(({ id, spec }) => [id, spec])
}

describe('toolgate vault', { timeout: 120_000 }, () => {
  it('rotates the key of a gateway that goes on reading and writing, and nobody notices', async () => {
    await using upstream = await rawUpstream({})
    await using lab = await openVaultLab({ egress: { allow: ['127.0.0.0/8'] } })
    const gateway = lab.start()
    const api = await (await adminOf(gateway)).at(gateway)
    const [busy, quiet] = [namesTo(8), ['quiet', 'still']]
    await storeServers(api, [...namesTo(120), ...quiet])
    await storeServers(api, ['real'], upstream.url)
    const before = await versionsOf(api, quiet)
    const [oldKey = ''] = Object.keys(sealedIn(lab.databasePath))

    const ending = { isOver: false }
    const writing = writeOn(api, busy, ending)
    const rotated = await lab.vault('rotate')
    const again = await lab.vault('rotate')
    ending.isOver = true
    const written = await writing
    expect(rotated).toMatchObject({ code: 0, stderr: '' })
    expect(rotated.stdout).toMatch(/^The new key is [0-9a-f]{8}\.\nTo be sealed anew: \d+\./)
    expect(rotated.stdout).toContain(`Keys deleted: ${oldKey}.`)
    expect(again.code).toBe(0)

    expect(await versionsOf(api, quiet)).toEqual(before)
    const versions = await versionsOf(api, busy)
    expect(versions).toEqual(busy.map((name) => `"${1 + (written.get(name) ?? 0)}"`))
    const { body } = await api('GET', '/audit?kind=key_rotation')
    expect(JSON.stringify(body)).toContain(`deleted ${oldKey}`)
    expect(gateway.stderr()).not.toMatch(/error|defect/i)

    const status = await lab.vault('status')
    expect(status.stdout).toMatch(
      /^KEY +STATE +AGE +WRAPPED BY +UNDER IT\n[0-9a-f]{8} +current +0 days +local:[0-9a-f]{8} +123 resources$/m,
    )
    expect(status.stdout).not.toContain(oldKey)

    // What another start reads is what was stored, the secret included.
    gateway.child.kill('SIGTERM')
    expect(await gateway.exited).toMatchObject({ code: 0 })
    const next = lab.start()
    const url = await next.untilUp()
    const message = modernMessage('tools/list')
    const answer = await sendModern(`${url}/real/mcp`, { token: tokenIn(gateway.stdout()), message })
    expect(answer.status).toBe(200)
    expect(upstream.seen.at(-1)?.headers['authorization']).toBe(`Bearer ${canary}`)
  })

  it('goes on with a rotation that was killed in the middle, and nothing is lost', async () => {
    await using lab = await openVaultLab()
    const gateway = lab.start()
    const admin = await adminOf(gateway)
    const api = await admin.at(gateway)
    const names = namesTo(500)
    await storeServers(api, names)
    const [oldKey = ''] = Object.keys(sealedIn(lab.databasePath))
    {
      await using rotation = startProgram(['vault', 'rotate'], { cwd: lab.folder })
      await until('it is in the middle', () => (sealedIn(lab.databasePath)[oldKey] ?? 0) < 400, {
        ...patience,
        pollMs: 1,
      })
      rotation.child.kill('SIGKILL')
      expect(await rotation.exited).toMatchObject({ signal: 'SIGKILL' })
    }
    const middle = sealedIn(lab.databasePath)
    expect(Object.keys(middle)).toHaveLength(2)
    const newKey = Object.keys(middle).find((key) => key !== oldKey) ?? ''
    const status = await lab.vault('status')
    expect(status.stdout).toMatch(new RegExp(`${oldKey} +retired .*${middle[oldKey]} resources`))
    expect(status.stdout).toContain('toolgate vault rotate')

    // The one that runs, and one that starts, read all of it and write.
    for (const program of [gateway, lab.start()]) {
      const at = await admin.at(program)
      expect((await versionsOf(at, names)).every((version) => version === '"1"')).toBe(true)
    }
    expect((await api('PUT', '/servers/s0', { body: serverBody('s0', undefined, ['x']) })).status).toBe(200)

    const resumed = await lab.vault('rotate')
    expect(resumed).toMatchObject({ code: 0, stderr: '' })
    expect(resumed.stdout).toContain(`Going on with the rotation to the key ${newKey}.`)
    expect(sealedIn(lab.databasePath)).toEqual({ [newKey]: names.length })
    expect((await versionsOf(api, names)).filter((version) => version !== '"1"')).toEqual(['"2"'])
  })

  it('brings over what was stored before there were data keys', async () => {
    await using lab = await openVaultLab()
    const first = lab.start()
    const admin = await adminOf(first)
    await storeServers(await admin.at(first), ['old', 'older'])
    first.child.kill('SIGKILL')
    await first.exited
    // As the version before left it.
    const secret = Buffer.from(readFileSync(`${lab.folder}/.toolgate/secret.key`, 'utf8'), 'base64')
    const former = createSealer({ current: deriveKey(secret, 'sealing'), previous: null })
    const specs = await specsIn(lab.databasePath, secret)
    const database = new DatabaseSync(lab.databasePath)
    for (const [id, spec] of specs) {
      const sealed = former.seal(JSON.stringify(spec), `server ${id}`)
      const update = database.prepare('update resource set spec = ?, sealed_by = null where id = ?')
      update.run(JSON.stringify({ sealed }), id)
    }
    database.exec('update idempotency_key set body = null, sealed_by = null; delete from vault_key')
    database.close()

    const next = lab.start()
    const api = await admin.at(next)
    expect((await versionsOf(api, ['old', 'older'])).every((version) => version === '"1"')).toBe(true)
    expect((await lab.vault('status')).stdout).toContain('Under no data key yet: 2 resources.')
    expect(sealedIn(lab.databasePath)).toEqual({ '': 2 })
    expect(await lab.vault('rotate')).toMatchObject({ code: 0, stderr: '' })
    expect(Object.values(sealedIn(lab.databasePath))).toEqual([2])
    expect(sealedIn(lab.databasePath)['']).toBeUndefined()
    expect((await api('GET', '/servers/old')).status).toBe(200)
  })

  it('changes the master key in one start, and refuses to start without it', async () => {
    const [a, b] = ['a', 'b'].map((letter) => Buffer.from(letter.repeat(32)).toString('base64'))
    const env = (now = '', previous?: string): Record<string, string> => ({
      TOOLGATE_SECRET_KEY: now,
      ...(previous !== undefined && { TOOLGATE_SECRET_KEY_PREVIOUS: previous }),
    })
    await using lab = await openVaultLab()
    const first = lab.start(env(a))
    const admin = await adminOf(first)
    await storeServers(await admin.at(first), ['one'])
    first.child.kill('SIGKILL')
    await first.exited

    const refused = lab.start(env(b))
    expect(await refused.exited).toMatchObject({ code: 1 })
    expect(refused.stderr()).toMatch(
      /The data key [0-9a-f]{8} is wrapped by local:[0-9a-f]{8}, and this gateway has local:/,
    )
    expect(refused.stderr()).toContain('toolgate vault forget')
    expect(refused.stderr()).toContain('Put back the secret.key that belongs to this database')
    expect(await lab.vault('rotate', env(b))).toMatchObject({ code: 1, stdout: '' })

    const changed = lab.start(env(b, a))
    expect((await (await admin.at(changed))('GET', '/servers/one')).status).toBe(200)
    changed.child.kill('SIGKILL')
    await changed.exited
    const next = lab.start(env(b))
    await next.untilUp()
    expect((await lab.vault('rotate', env(b))).code).toBe(0)
  })

  it('goes on without what a lost key sealed, for who says so', async () => {
    await using lab = await openVaultLab()
    const first = lab.start()
    const admin = await adminOf(first)
    const api = await admin.at(first)
    await storeServers(api, ['one'])
    expect((await api('POST', '/teams', { body: { name: 'blue' } })).status).toBe(201)
    expect((await lab.vault('forget')).stdout).toBe('Each data key can be unwrapped: no key is lost.\n')
    first.child.kill('SIGKILL')
    await first.exited
    rmSync(`${lab.folder}/.toolgate/secret.key`)

    const refused = lab.start()
    expect(await refused.exited).toMatchObject({ code: 1 })
    const looked = await lab.vault('forget')
    expect(looked.code).toBe(0)
    expect(looked.stdout).toMatch(/^The data key [0-9a-f]{8} cannot be unwrapped; .* Under it: 1 resources\./)
    expect(Object.values(sealedIn(lab.databasePath))).toEqual([1])
    expect(await lab.vault('forget', {}, ['--yes'])).toMatchObject({ code: 0, stderr: '' })
    expect(sealedIn(lab.databasePath)).toEqual({})

    const next = lab.start()
    const url = await next.untilUp()
    // Who had signed in is out: that was signed with the lost key.
    expect((await callApi(url, { method: 'GET', path: '/whoami', bearer: admin.bearer })).status).toBe(401)
    const bearer = await signIn(url, 'admin', admin.password)
    expect((await callApi(url, { method: 'GET', path: '/teams/blue', bearer })).status).toBe(200)
    expect((await callApi(url, { method: 'GET', path: '/servers/one', bearer })).status).toBe(404)
  })

  it('says that there is nothing yet, or what is wrong, and ends with 1', async () => {
    await using lab = await openVaultLab()
    for (const command of ['status', 'rotate', 'forget'] as const) {
      const { code, stderr } = await lab.vault(command)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^There is no database in .*\.toolgate: a gateway makes it at its first start\./)
    }
  })
})

describe('a vault elsewhere', { timeout: 120_000 }, () => {
  const token = 'hvs.canary-e2e-4411'
  const env = { VAULT_TOKEN: token }

  it('is asked at the start and for a rotation, and is not missed in between', async () => {
    await using vault = await startFakeVault()
    vault.createKey('toolgate')
    vault.tokens.set(token, ['update'])
    await using lab = await openVaultLab({ vault: { kind: 'transit', address: vault.url, key: 'toolgate' } })
    const gateway = lab.start(env)
    const api = await (await adminOf(gateway)).at(gateway)
    await storeServers(api, ['one'])
    const asked = vault.asked.length
    vault.seal(true)
    await storeServers(api, ['two'])
    expect((await api('GET', '/servers/one')).status).toBe(200)
    expect(vault.asked).toHaveLength(asked)

    const [oldKey = ''] = Object.keys(sealedIn(lab.databasePath))
    const refused = await lab.vault('rotate', env)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('is sealed, or in maintenance (503)')
    expect(sealedIn(lab.databasePath)).toEqual({ [oldKey]: 2 })
    const late = lab.start(env)
    expect(await late.exited).toMatchObject({ code: 1 })
    expect(late.stderr()).toContain('is sealed, or in maintenance (503)')

    vault.seal(false)
    expect((await lab.vault('rotate', env)).code).toBe(0)
    expect(Object.keys(sealedIn(lab.databasePath))).not.toContain(oldKey)
    expect((await lab.vault('status')).stdout).toContain('transit:transit/toolgate')
    await storeServers(api, ['three'])
    expect((await api('GET', '/servers/two')).status).toBe(200)
    for (const words of [gateway.stdout(), gateway.stderr(), refused.stderr, late.stderr()])
      expect(words).not.toContain('canary')
  })

  it('takes over from the key of this machine, and gives it back', async () => {
    await using vault = await startFakeVault()
    vault.createKey('toolgate')
    vault.tokens.set(token, ['update'])
    const transit = { kind: 'transit', address: vault.url, key: 'toolgate' }
    await using lab = await openVaultLab()
    const first = lab.start(env)
    const admin = await adminOf(first)
    await storeServers(await admin.at(first), ['one'])
    for (const [config, wrapper] of [
      [transit, 'transit:transit/toolgate'],
      [{ kind: 'local', previous: transit }, 'local:'],
      [{ kind: 'local' }, 'local:'],
    ] as const) {
      await lab.configure({ vault: config })
      const next = lab.start(env)
      expect((await (await admin.at(next))('GET', '/servers/one')).status).toBe(200)
      expect((await lab.vault('status')).stdout).toContain(wrapper)
      next.child.kill('SIGKILL')
      await next.exited
    }
  })

  it('that nobody answers for keeps a gateway from starting, and says so', async () => {
    const address = `http://127.0.0.1:${await findFreePort()}`
    await using lab = await openVaultLab({ vault: { kind: 'transit', address, key: 'toolgate' } })
    const gateway = lab.start(env)
    expect(await gateway.exited).toMatchObject({ code: 1 })
    expect(gateway.stderr()).toContain(`The vault at ${address} cannot be reached (ECONNREFUSED).`)
    expect(gateway.stderr()).not.toContain('canary')
  })
})

describe('gateways on one PostgreSQL', { timeout: 120_000 }, () => {
  const createDatabase = postgresDatabases()
  const env = { TOOLGATE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }

  it(
    'that start together have one key, and rotate it under both of them',
    async () => {
      const postgres = await createDatabase()
      await using lab = await openVaultLab({ storage: { postgres } })
      const [a, b] = [lab.start(env), lab.start(env)]
      await Promise.all([a.untilUp(), b.untilUp()])
      const admin = await adminOf(a.stdout().includes('with the password') ? a : b)
      const [one, other] = [await admin.at(a), await admin.at(b)]
      const keys = async (): Promise<number> =>
        (await lab.vault('status', env)).stdout.match(/^[0-9a-f]{8} /gm)?.length ?? 0
      expect(await keys()).toBe(1)
      const names = namesTo(60)
      await storeServers(one, names)
      await until('the other has them', async () => (await other('GET', '/servers/s59')).status === 200, patience)

      const ending = { isOver: false }
      const writing = [writeOn(one, names.slice(0, 4), ending), writeOn(other, names.slice(4, 8), ending)]
      for (let round = 0; round < 3; round++)
        expect(await lab.vault('rotate', env)).toMatchObject({ code: 0, stderr: '' })
      ending.isOver = true
      const written = new Map((await Promise.all(writing)).flatMap((done) => [...done]))
      expect(await keys()).toBe(1)
      const expected = names.map((name) => `"${1 + (written.get(name) ?? 0)}"`)
      expect(await versionsOf(one, names)).toEqual(expected)
      for (const { stderr } of [a, b]) expect(stderr()).not.toMatch(/error|defect/i)
    },
    postgresStartMsMax * 2,
  )
})
