/** Resources for tests, made through their schemas, and an index of them. Ids are readable: `usr_ann` is the user `ann`. */
import { Agent } from '#contract/agent.ts'
import { Organization } from '#contract/organization.ts'
import { Policy } from '#contract/policy.ts'
import { Project } from '#contract/project.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { RoleBinding } from '#contract/role-binding.ts'
import { Secret } from '#contract/secret.ts'
import { Server } from '#contract/server.ts'
import { Team } from '#contract/team.ts'
import { Token, type TokenState } from '#contract/token.ts'
import { Toolset } from '#contract/toolset.ts'
import { User } from '#contract/user.ts'
import { idPrefixes } from '#core/resources/resource-ids.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource, SpecOf } from '#core/resources/resource-store.ts'

const parsers: { [Kind in ResourceKind]: (spec: object) => SpecOf[Kind] } = {
  organization: (spec) => Organization.parse(spec),
  team: (spec) => Team.parse(spec),
  user: (spec) => User.parse(spec),
  policy: (spec) => Policy.omit({ name: true }).parse(spec),
  server: (spec) =>
    Server.omit({ name: true }).parse({
      transport: { kind: 'streamable_http', url: 'https://example.com/mcp' },
      isolation: 'principal',
      ...spec,
    }),
  toolset: (spec) => Toolset.parse(spec),
  project: (spec) => Project.parse(spec),
  agent: (spec) => Agent.parse(spec),
  token: (spec) => parseToken(spec),
  role_binding: (spec) => RoleBinding.parse(spec),
  secret: (spec) => Secret.parse({ value: 'CANARY', ...spec }),
  credential: (spec) => ({ ...emptyCredential, ...spec }),
}

const emptyCredential: SpecOf['credential'] = {
  server: 'srv_github',
  owner: { kind: 'gateway', ref: '' },
  state: 'connected',
  reason: 'connected',
  stateAt: 1,
  secret: null,
  variables: {},
  renewingUntil: null,
}

function parseToken(spec: object): SpecOf['token'] {
  const { digest = 'd', prefix = 'tg_', revokedAt = null, replacedBy = null, ...rest } = spec as Partial<TokenState>
  return { ...Token.parse(rest), digest, prefix, revokedAt, replacedBy }
}

/** @param spec members that differ from the schema's defaults; references are ids */
export function resource<Kind extends ResourceKind>(kind: Kind, name: string, spec: object = {}): Resource<Kind> {
  const id = `${idPrefixes[kind]}_${name}`
  const meta = {
    id,
    name,
    labels: {},
    version: 1,
    createdAt: 1,
    updatedAt: 1,
    createdBy: 'system',
    updatedBy: 'system',
  }
  return { kind, ...meta, spec: parsers[kind](spec) }
}

/** An index of these; those with an id `cfg_…` are declared. */
export function resourceIndex(resources: Iterable<Resource>): ResourceIndex {
  const all = [...resources]
  function ofKind<Kind extends ResourceKind>(kind: Kind): Resource<Kind>[] {
    const found = all.filter((one) => one.kind === kind) as unknown as Resource<Kind>[]
    return found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }
  const isDeclared = ({ id }: { id: string }) => id.startsWith('cfg_')
  return {
    get: (kind, id) => ofKind(kind).find((one) => one.id === id),
    find: (kind, name) => {
      const named = ofKind(kind).filter((one) => one.name === name)
      return named.find(isDeclared) ?? named[0]
    },
    serversCalled: (word) => ofKind('server').filter(({ name, spec }) => name === word || spec.aliases.includes(word)),
    tokenByDigest: (digest) => ofKind('token').find(({ spec }) => spec.digest === digest),
    tokensReplacedBy: (id) => ofKind('token').filter(({ spec }) => spec.replacedBy === id),
    tokensOf: ({ kind, ref }) =>
      ofKind('token').filter(({ spec }) => spec.owner.kind === kind && spec.owner.ref === ref),
    tokenCountOf: ({ kind, ref }) =>
      ofKind('token').filter(({ spec }) => spec.owner.kind === kind && spec.owner.ref === ref).length,
    declared: (kind) => ofKind(kind).filter(isDeclared),
    teamsOf: (userId) => ofKind('team').filter(({ spec }) => spec.members.some(({ user }) => user === userId)),
    roleBindingsOf: (kind, id) =>
      ofKind('role_binding').filter(({ spec }) => spec.subjects.some((one) => one.kind === kind && one.ref === id)),
  }
}
