/** What changes a stored credential's state: written for every replica, and recorded as the gateway's own doing. */
import type { ChangeLog } from '#core/audit/change-log.ts'
import type { Clock } from '#core/clock.ts'
import type { CredentialBook, CredentialEntry } from './credential-book.ts'
import type { StoredCredential } from './stored-credential.ts'

export type MoveDeps = {
  book: CredentialBook
  clock: Pick<Clock, 'now'>
  changes: ChangeLog
}

/** Others write as well; who is always overtaken gives up. */
const attemptsMax = 10

/**
 * What is stored is read anew for each attempt.
 * @param step gives null where there is nothing to do any more
 * @returns what is stored then; null: nothing was done
 * @throws GatewayError `storage_unavailable`
 */
export async function moveCredential(
  deps: MoveDeps,
  name: string,
  step: (credential: StoredCredential) => StoredCredential | null,
): Promise<CredentialEntry | null> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const seen = await deps.book.latest(name)
    const next = seen && step(seen.credential)
    if (!next) return null
    const written = await writeCredential(deps, next, seen)
    if (written) return written
  }
  return null
}

/** As `CredentialBook.write`. That a grant was renewed is no news, and is not recorded. */
export async function writeCredential(
  { book, clock, changes }: MoveDeps,
  next: StoredCredential,
  seen: CredentialEntry,
): Promise<CredentialEntry | null> {
  const written = await book.write(next, seen)
  if (!written || !isNews(seen.credential, next)) return written
  changes.append({
    at: clock.now(),
    requestId: '',
    actor: { kind: 'system', id: 'system', name: 'system' },
    changedBy: '',
    action: 'update',
    resource: { kind: 'credential', id: written.id, name: written.name },
    // Both are words of ours.
    changed: [`state to ${next.state} (${next.reason})`],
    outcome: 'ok',
  })
  return written
}

function isNews(before: StoredCredential, { state, reason }: StoredCredential): boolean {
  return before.state !== state || (before.reason !== reason && reason !== 'renewed')
}
