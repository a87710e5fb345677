/** The resources as they would be after a change that is not made yet. */
import type { ResourceKind } from '#contract/resource.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import { isOfKind } from '#core/resources/resource-query.ts'
import type { Resource } from '#core/resources/resource-store.ts'

/** @param removedId of one that would be gone */
export function changedIndex(
  index: ResourceIndex,
  changed: readonly Resource[],
  removedId: string | null = null,
): ResourceIndex {
  const byId = new Map(changed.map((one) => [one.id, one]))
  const isUntouched = ({ id }: { id: string }) => id !== removedId && !byId.has(id)
  const changedTeams = changed.flatMap((team) =>
    team.kind === 'team' ? [{ team, members: new Set(team.spec.members.map(({ user }) => user)) }] : [],
  )
  return {
    get(kind, id) {
      return id === removedId ? undefined : (ofKind(kind, byId.get(id)) ?? index.get(kind, id))
    },
    find(kind, name) {
      const found = index.find(kind, name)
      if (found?.id === removedId) return undefined
      return found && (ofKind(kind, byId.get(found.id)) ?? found)
    },
    teamsOf(userId) {
      const joined = changedTeams.filter(({ members }) => members.has(userId))
      return [...index.teamsOf(userId).filter(isUntouched), ...joined.map(({ team }) => team)]
    },
    serversCalled: (word) => index.serversCalled(word),
    tokenByDigest: (digest) => index.tokenByDigest(digest),
    tokensReplacedBy: (id) => index.tokensReplacedBy(id),
    tokenCountOf: (owner) => index.tokenCountOf(owner),
    tokensOf: (owner) => index.tokensOf(owner),
    declared: (kind) => index.declared(kind),
    roleBindingsOf: (kind, id) => index.roleBindingsOf(kind, id),
  }
}

function ofKind<Kind extends ResourceKind>(kind: Kind, resource: Resource | undefined): Resource<Kind> | undefined {
  return resource && isOfKind(kind, resource) ? resource : undefined
}
