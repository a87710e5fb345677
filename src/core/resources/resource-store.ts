/** Port: stored resources, all kinds in one store. Types only. */
import type { Agent } from '#contract/agent.ts'
import type { Organization } from '#contract/organization.ts'
import type { Policy } from '#contract/policy.ts'
import type { Project } from '#contract/project.ts'
import type { ResourceKind, ResourceMeta } from '#contract/resource.ts'
import type { RoleBinding } from '#contract/role-binding.ts'
import type { Secret } from '#contract/secret.ts'
import type { Server } from '#contract/server.ts'
import type { Team } from '#contract/team.ts'
import type { Token, TokenState } from '#contract/token.ts'
import type { Toolset } from '#contract/toolset.ts'
import type { User, UserState } from '#contract/user.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import type { StoredPassword } from '#core/identity/password-store.ts'

/** What each kind says, as it is stored: every reference in it is an id. */
export type SpecOf = {
  organization: Organization
  team: Team
  user: User & UserState
  policy: Omit<Policy, 'name'>
  server: Omit<Server, 'name'>
  toolset: Toolset
  project: Project
  agent: Agent
  token: Token & TokenState
  role_binding: RoleBinding
  secret: Secret
  credential: StoredCredential
}

export type Resource<Kind extends ResourceKind = ResourceKind> = {
  [K in Kind]: ResourceMeta & { kind: K; spec: SpecOf[K] }
}[Kind]

/** One change. All changes of one `write` are stored, or none. `password`: of a user, stored apart from it, and with it. */
export type Change =
  | { do: 'create'; resource: Resource; password?: StoredPassword }
  /** `resource.version` is the one that was seen; it is stored as one more. */
  | { do: 'update'; resource: Resource; password?: StoredPassword }
  /** `version` null: whatever it is. `at` and `by` are what a resource says that is changed because it named the deleted one. */
  | { do: 'delete'; kind: ResourceKind; id: string; version: number | null; at: number; by: string }

/** Where a reader stands: every change has a number, and numbers rise. */
export type ChangeNumber = number

export type ResourceChanges = {
  /** What the changed resources are now; the deleted ones by kind and id. */
  changed: readonly Resource[]
  deleted: readonly { kind: ResourceKind; id: string }[]
  upTo: ChangeNumber
}

export type ResourceQuery = {
  /** 1 to 1,000. */
  limit: number
  /** The name after which the page begins. */
  after?: string
  /** Names that may be told; others are as if they were not there. */
  names?: ReadonlySet<string>
  /** Labels that must all be there with these values. */
  labels?: Readonly<Record<string, string>>
}

export interface ResourceStore {
  /** By id. */
  get<Kind extends ResourceKind>(kind: Kind, id: string): Promise<Resource<Kind> | null>
  /** By name, which is unique in its kind. */
  find<Kind extends ResourceKind>(kind: Kind, name: string): Promise<Resource<Kind> | null>
  /** In the order of names. */
  list<Kind extends ResourceKind>(kind: Kind, query: ResourceQuery): Promise<Resource<Kind>[]>
  /** Resources, of any kind, whose spec names this one (see `references.ts`). At most `limit`. */
  referrers(kind: ResourceKind, id: string, limit: number): Promise<{ kind: ResourceKind; id: string; name: string }[]>
  /**
   * In one transaction, in their order. A delete does to those that name the deleted one what `references.ts` says, and each
   * of them is a change with a number of its own. Ids of what the configuration declares (`resource-ids.ts`) are not looked for.
   * @returns the number of the last change
   * @throws GatewayError `already_exists` (id, name, or a token's digest), `version_conflict` (another version is stored, or
   *   none), `dangling_reference` (it names what is not stored), `still_referenced` (a delete that is refused),
   *   `sealing_key_replaced` (what is sealed in it is under a key that is deleted), `storage_unavailable`; nothing is written
   */
  write(changes: readonly Change[]): Promise<ChangeNumber>
  /** Everything there is, and where that leaves the reader. */
  load(): Promise<ResourceChanges>
  /** What has changed since; `load`'s answer (`isWhole`) where that is no longer known. */
  changesSince(number: ChangeNumber): Promise<ResourceChanges & { isWhole: boolean }>
  /** The number of the last change: cheap, to be asked often. */
  lastChange(): Promise<ChangeNumber>
  /** Last uses of tokens by id, in Unix milliseconds; a use is no change of the token. */
  touchTokens(uses: ReadonlyMap<string, number>): Promise<void>
  lastUses(tokenIds: readonly string[]): Promise<Map<string, number>>
}
