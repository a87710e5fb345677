/** Port: every resource in memory, stored and declared together, as far as this replica knows. Types only. */
import type { ResourceKind } from '#contract/resource.ts'
import type { Subject } from '#contract/role-binding.ts'
import type { Resource, SpecOf } from './resource-store.ts'

export interface ResourceIndex {
  get<Kind extends ResourceKind>(kind: Kind, id: string): Resource<Kind> | undefined
  /** By name; what the configuration declares comes before what is stored. */
  find<Kind extends ResourceKind>(kind: Kind, name: string): Resource<Kind> | undefined
  /** Every server that has this name or alias, enabled or not. */
  serversCalled(word: string): readonly Resource<'server'>[]
  /** @param digest lower-case hex SHA-256 of the whole bearer */
  tokenByDigest(digest: string): Resource<'token'> | undefined
  /** Those whose place this one took. */
  tokensReplacedBy(id: string): readonly Resource<'token'>[]
  /** How many tokens an owner has, those that have ended among them. */
  tokenCountOf(owner: SpecOf['token']['owner']): number
  /** All of them, in no order. */
  tokensOf(owner: SpecOf['token']['owner']): Iterable<Resource<'token'>>
  /** What the configuration declares, in the order of names. It is no row of the store and cannot be changed through it. */
  declared<Kind extends ResourceKind>(kind: Kind): readonly Resource<Kind>[]
  /** The teams that a user is a member of. */
  teamsOf(userId: string): readonly Resource<'team'>[]
  /** The role bindings that name this subject. */
  roleBindingsOf(kind: Subject['kind'], id: string): readonly Resource<'role_binding'>[]
}
