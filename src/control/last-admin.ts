/** The gateway never loses its last admin who can sign in, whatever two admins do to each other at the same moment. */
import { GatewayError } from '#contract/errors.ts'
import type { Change, Resource, ResourceStore } from '#core/resources/resource-store.ts'

/**
 * What must be written together with a change that takes an admin away: another admin, just as it is. Were that one taken away meanwhile, its
 * version would be another, and neither change would be stored.
 *
 * @param after null: the user is deleted
 * @throws GatewayError `last_admin`
 */
export async function keepAnAdmin(
  store: ResourceStore,
  before: Resource<'user'>,
  after: Resource<'user'> | null,
): Promise<Change[]> {
  if (!isAdmin(before) || (after !== null && isAdmin(after))) return []
  const other = await findAdmin(store, before.id)
  if (!other) throw new GatewayError('last_admin')
  return [{ do: 'update', resource: other }]
}

/** The first admin who can sign in, in the order of names, other than this one. */
export async function findAdmin(store: ResourceStore, exceptId: string | null): Promise<Resource<'user'> | null> {
  let after: string | undefined
  for (;;) {
    const page = await store.list('user', { limit: pageSize, ...(after !== undefined && { after }) })
    const found = page.find((user) => user.id !== exceptId && isAdmin(user))
    after = page.at(-1)?.name
    if (found || page.length < pageSize) return found ?? null
  }
}

const pageSize = 1_000

/** Who can sign in. */
export function isAdmin({ spec }: Resource<'user'>): boolean {
  return spec.role === 'admin' && spec.type === 'human' && !spec.isDisabled
}
