import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '#adapters/sql/database.ts'
import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
import type { Resource, ResourceStore } from '#core/resources/resource-store.ts'
import { createSealedStore } from '#core/resources/seal-resources.ts'
import { failureOf } from '#test/support/failure.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { formerSealer, secretOf } from '#test/support/vault.ts'
import { openVault, type VaultParts } from './vault.ts'

const server = resource('server', 'one')

describe('the vault of an installation', () => {
  let database: Database
  beforeEach(async () => {
    database = await openDatabase({ path: ':memory:' })
  })
  afterEach(() => database.close())

  const open = (current: string, previous?: string): Promise<VaultParts> => {
    const secret = { current: secretOf(current), previous: previous === undefined ? null : secretOf(previous) }
    return openVault(database, { secret, config: { kind: 'local' }, env: {} })
  }

  const storeOf = ({ vault }: VaultParts): ResourceStore =>
    createSealedStore(createSqlResourceStore({ database }), vault)

  /** As a version without data keys has stored it. */
  async function storeAsBefore(letter: string): Promise<void> {
    const sealed = formerSealer(letter).seal(JSON.stringify(server.spec), `server ${server.id}`)
    const stored = { ...server, spec: { sealed } as unknown } as Resource
    await createSqlResourceStore({ database }).write([create(stored)])
  }

  it('needs the master key before no longer after one start, also for what was stored before there were data keys', async () => {
    await storeAsBefore('a')
    expect((await storeOf(await open('a')).load()).changed).toEqual([server])
    expect((await storeOf(await open('b', 'a')).load()).changed).toEqual([server])
    expect((await storeOf(await open('b')).load()).changed).toEqual([server])
  })

  it('leaves what was stored before as it is where the master key is the same', async () => {
    await storeAsBefore('a')
    const { places } = await open('a')
    expect(await Promise.all(places.map(async (place) => [...(await place.count())]))).toEqual([[['', 1]], []])
  })

  it('is not opened with another master key, which changes nothing', async () => {
    const first = await open('a')
    await storeOf(first).write([create(server)])
    expect(await failureOf(open('b'))).toMatchObject({ code: 'config_invalid' })
    expect((await storeOf(await open('a')).load()).changed).toEqual([server])
    expect((await first.store.list()).map(({ id }) => id)).toEqual([first.vault.keyId])
  })
})
