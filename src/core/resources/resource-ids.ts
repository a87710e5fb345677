/** Ids say their kind in their prefix. No resource may have a name that is another's id, or a reference could mean either. */
import type { ResourceKind } from '#contract/resource.ts'

export const idPrefixes = {
  organization: 'org',
  team: 'team',
  user: 'usr',
  policy: 'pol',
  server: 'srv',
  toolset: 'tls',
  project: 'prj',
  agent: 'agt',
  token: 'tok',
  role_binding: 'rb',
  secret: 'sec',
  credential: 'crd',
} as const satisfies Record<ResourceKind, string>

const declaredPrefix = 'cfg_'
const prefixes = new Set<string>(Object.values(idPrefixes))

/** The id of what the configuration declares: the same at each start, on every replica. */
export function toDeclaredId(kind: ResourceKind, name: string): string {
  return `${declaredPrefix}${kind}_${name}`
}

export function isDeclaredId(id: string): boolean {
  return id.startsWith(declaredPrefix)
}

/** Whether a reference can be an id at all: whatever begins like one. */
export function canBeId(text: string): boolean {
  return isDeclaredId(text) || prefixes.has(text.slice(0, text.indexOf('_')))
}

/** Whether a name is exactly what an id looks like, so that nobody may have it: `team_alpha` is none. */
export function hasIdForm(name: string): boolean {
  return isDeclaredId(name) || (canBeId(name) && /^[a-z]+_[A-Za-z0-9_-]{20}$/.test(name))
}
