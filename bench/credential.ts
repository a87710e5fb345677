/**
 * What step 7 of a call costs where the credential is there: whose it is, and that it is good, by kind. Ten thousand users have given one.
 *
 *   node --expose-gc bench/credential.ts [--quick]
 */
import { parseArgs } from 'node:util'
import { systemClock } from '#compose/system-clock.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { CredentialHolder, Lease, ServerCredential } from '#core/credential/lease.ts'
import { StoredBook } from '#core/credential/stored-book.ts'
import type { CredentialOwner, StoredCredential } from '#core/credential/stored-credential.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { storedCredential, storedGrant } from '#test/support/credential-books.ts'
import { CredentialLab } from '#test/support/credential-lab.ts'
import { PlayedOAuth } from '#test/support/played-oauth.ts'
import { resource } from '#test/support/resources.ts'
import { describeMachine } from './machine.ts'

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const rounds = flags.quick ? 5 : 20
const perRound = flags.quick ? 50_000 : 200_000
const users = 10_000

const serverId = 'srv_files'
const endsAt = Date.now() + 86_400_000
const secrets = {
  key: { kind: 'key', parts: { token: 'k' } },
  grant: storedGrant({ expiresAt: endsAt }),
} as const

const store = { find: () => Promise.resolve(null), write: () => Promise.reject(new Error('nothing is written here')) }
const announce = () => Promise.resolve()
const clock = systemClock

/** Of which something else has changed, as often as is asked for. */
class ChangingBook extends StoredBook {
  changes = 0

  override get version(): number {
    return super.version + this.changes
  }
}

const books: ChangingBook[] = []
const lab = new CredentialLab((snapshot) => ({
  book: (books[0] = new ChangingBook({ store, snapshot, clock, announce })),
  clock,
  oauth: new PlayedOAuth(clock),
}))

function entry(owner: CredentialOwner, differs: Partial<StoredCredential>): Resource<'credential'> {
  const spec = storedCredential({ server: serverId, owner, stateAt: Date.now(), ...differs })
  return { ...resource('credential', owner.ref, spec), name: nameOfCredential(serverId, owner) }
}

/** What all users have given, in place of what they had given before. */
function give(differs: Partial<StoredCredential>): void {
  const owners = Array.from({ length: users }, (_, index): CredentialOwner => ({ kind: 'user', ref: `usr_${index}` }))
  lab.change(...owners.map((owner) => entry(owner, differs)))
}

for (let index = 0; index < users; index++) lab.change(resource('user', `${index}`))
lab.change(
  resource('team', 'blue', { members: [{ user: 'usr_1' }] }),
  entry({ kind: 'team', ref: 'team_blue' }, { secret: secrets.key }),
)
const bearer = { kind: 'bearer' as const }
const variables = [{ name: 'TENANT' }]
const cases: [what: string, given: Partial<StoredCredential>, served: ServerCredential][] = [
  ['the gateway’s own text', {}, lab.serve({ credential: { ...bearer, token: 't' } })],
  ['a key of the user’s', { secret: secrets.key }, lab.serve({ credential: { ...bearer, owner: 'user' } })],
  ['a key of the user’s team', {}, lab.serve({ credential: { ...bearer, owner: 'team' } })],
  [
    'an account of the user’s',
    { secret: secrets.grant },
    lab.serve({ credential: { kind: 'oauth2_authorization_code' } }),
  ],
  [
    'client credentials',
    {},
    lab.serve({
      credential: {
        kind: 'oauth2_client_credentials',
        tokenUrl: 'https://as.example/token',
        clientId: 'c',
        clientSecret: 's',
      },
    }),
  ],
  [
    'a user’s values in the address',
    { variables: { TENANT: 'a' } },
    lab.serve({ url: 'https://files.example/${TENANT}', credential: { ...bearer, token: 't' }, variables }),
  ],
]

const one: CredentialHolder = { userId: 'usr_1', teamId: null }
const many = Array.from({ length: users }, (_, index): CredentialHolder => ({ userId: `usr_${index}`, teamId: null }))
const sessions: (Lease | Promise<Lease>)[] = []

/** Nanoseconds each, and bytes that were left on the heap, of the quietest round: other things run on this machine, too. */
async function measure(call: (index: number) => unknown): Promise<{ ns: number; bytes: number }> {
  let ns = Infinity
  let bytes = Infinity
  for (let round = -1; round < rounds; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    const start = performance.now()
    for (let index = 0; index < perRound; index++) call(index)
    const tookMs = performance.now() - start
    const grown = process.memoryUsage().heapUsed - before
    // The first round warms the code. Where a call makes a thing, much more is left than rounding.
    if (round >= 0) {
      ns = Math.min(ns, (tookMs * 1_000_000) / perRound)
      bytes = Math.min(bytes, Math.max(0, grown) / perRound)
    }
    // What is held for one turn, such as what a weak reference led to, is let go with it.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { ns, bytes }
}

const { cpu, node } = describeMachine()
console.log(`${cpu}, Node ${node}; ns a call, the quietest of ${rounds} rounds of ${perRound}\n`)
console.log('| Credential | one caller | bytes made | 10,000 callers in turn | after a change of any credential |')
console.log('| --- | --- | --- | --- | --- |')
for (const [what, given, served] of cases) {
  give(given)
  await served.lease(one)
  const { length } = many
  const isUsers = served.ownerOf(one) === one.userId
  // Whoever has a session open at the server holds the lease.
  if (isUsers) for (const holder of many) sessions.push(served.lease(holder))
  const empty = await measure((index) => index)
  const warm = await measure(() => (served.ownerOf(one), served.lease(one)))
  const spread = isUsers ? await measure((index) => served.lease(many[index % length] ?? one)) : warm
  const changed = await measure(() => {
    for (const book of books) book.changes++
    return served.lease(one)
  })
  const cells = [warm.ns - empty.ns, warm.bytes, spread.ns - empty.ns, changed.ns - empty.ns]
  console.log(`| ${what} | ${cells.map((value) => Math.max(0, value).toFixed(0)).join(' | ')} |`)
}
