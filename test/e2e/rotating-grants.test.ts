/** Replicas that renew one grant of which each renewal ends the refresh token of before, and an old one the whole grant. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '#adapters/sql/database.ts'
import { openPostgres } from '#adapters/sql/postgres.ts'
import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
import { systemClock } from '#compose/system-clock.ts'
import { GatewayError } from '#contract/errors.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import { GrantKeeper } from '#core/credential/grant-keeper.ts'
import type { GrantPlan } from '#core/credential/grant-plan.ts'
import { StoredBook } from '#core/credential/stored-book.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import { ResourceFeed } from '#core/resources/resource-feed.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { storedCredential, storedGrant } from '#test/support/credential-books.ts'
import { postgresDatabases, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { issuerSource, RotatingIssuer } from '#test/support/rotating-issuer.ts'

const renewals = 1_000
const timeout = 300_000

const serverId = 'cfg_server_files'
const owner: CredentialOwner = { kind: 'user', ref: 'usr_ann' }
const name = nameOfCredential(serverId, owner)
const plan: GrantPlan = {
  serverId,
  serverName: 'files',
  owner,
  fits: () => true,
  source: async () => issuerSource,
  refusal: (state, reason) => new GatewayError('credential_required', { details: { state, reason } }),
}

const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

async function openReplica(database: Database, oauth: RotatingIssuer) {
  opened.push(database)
  const store = createSqlResourceStore({ database })
  const snapshot = new ResourceSnapshot()
  const nothing = (): void => undefined
  const feed = new ResourceFeed({ store, snapshot, clock: systemClock, onChange: nothing, onReach: nothing })
  const book = new StoredBook({ store, snapshot, clock: systemClock, announce: (upTo) => feed.reach(upTo) })
  const keeper = new GrantKeeper({ book, clock: systemClock, oauth, changes: { append: nothing } })
  return { store, feed, book, keeper }
}

/** @param open as each process opens it */
async function expectNoneLost(open: () => Promise<Database>): Promise<void> {
  const oauth = new RotatingIssuer({ now: () => Date.now(), lifeMs: 3_600_000 })
  const [one, other] = [await openReplica(await open(), oauth), await openReplica(await open(), oauth)]
  const at = Date.now()
  const spec = storedCredential({
    server: serverId,
    stateAt: at,
    secret: storedGrant({ expiresAt: at + 3_600_000 }),
  })
  await one.store.write([create(resource('user', 'ann')), create({ ...resource('credential', 'x', spec), name })])
  for (const { feed } of [one, other]) {
    await feed.start()
    opened.push(feed)
  }
  for (let i = 0; i < renewals; i++) {
    const used = `access-${i}`
    const kept = await Promise.all([one, other, one].map(({ keeper }) => keeper.renew(plan, used)))
    expect(kept.map(({ grant }) => grant.accessToken)).toEqual(kept.map(() => `access-${i + 1}`))
  }
  expect({ isRevoked: oauth.isRevoked, refreshed: oauth.refreshed }).toEqual({ isRevoked: false, refreshed: renewals })
  expect((await other.book.latest(name))?.credential).toMatchObject({
    state: 'connected',
    renewingUntil: null,
    secret: { refreshToken: `refresh-${renewals}` },
  })
}

describe(`two replicas lose no grant in ${renewals} renewals`, () => {
  it('in one SQLite file', { timeout }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-grants-'))
    opened.unshift({ close: () => rmSync(folder, { recursive: true }) })
    await expectNoneLost(() => openDatabase({ path: join(folder, 'toolgate.db') }))
  })
})

describe('in one PostgreSQL', () => {
  const createDatabase = postgresDatabases()

  it(`two replicas lose none in ${renewals} renewals`, { timeout: timeout + postgresStartMsMax }, async () => {
    const url = await createDatabase()
    await expectNoneLost(() => openPostgres({ url }))
  })
})
