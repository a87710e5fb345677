/** From the body that somebody sent to the spec that is stored; what only the gateway sets stays as it was. */
import { formatBodyPath, invalidBody } from '#contract/parse-body.ts'
import type { ResourceBody } from '#contract/resource-body.ts'
import type { ManagedKind } from '#contract/resource.ts'
import { secretMark } from '#contract/secret-places.ts'
import { findServerFaults } from '#contract/server-faults.ts'
import type { Resource, SpecOf } from '#core/resources/resource-store.ts'
import { keepSecrets } from './server-secrets.ts'

/** Kinds that are made like any other; a token is minted. */
export type CreatableKind = Exclude<ManagedKind, 'token'>

type ToSpec<Kind extends ManagedKind> = (body: ResourceBody<Kind>, before: Resource<Kind> | null) => SpecOf[Kind]

/**
 * @param before null: it is new, which a token never is here
 * @throws GatewayError `invalid_body` where a secret would have to go where it has not been
 */
export function toSpec<Kind extends ManagedKind>(
  kind: Kind,
  body: ResourceBody<Kind>,
  before: Resource<Kind> | null,
): SpecOf[Kind] {
  return specs[kind](body, before)
}

const specs: { [Kind in ManagedKind]: ToSpec<Kind> } = {
  organization: withoutNames,
  team: withoutNames,
  user: toUserSpec,
  policy: withoutNames,
  server: toServerSpec,
  toolset: withoutNames,
  project: withoutNames,
  agent: withoutNames,
  token: toTokenSpec,
  role_binding: withoutNames,
  secret: toSecretSpec,
}

function withoutNames<Body extends { name: string; labels: unknown }>({ name: _name, labels: _labels, ...spec }: Body) {
  return spec
}

/** A service cannot sign in: it has no password any more, and a person that it becomes none yet. */
function toUserSpec(body: ResourceBody<'user'>, before: Resource<'user'> | null): SpecOf['user'] {
  const spec = withoutNames(body)
  const { passwordSetAt } = before?.spec ?? {}
  return spec.type === 'service' || passwordSetAt === undefined ? spec : { ...spec, passwordSetAt }
}

function toTokenSpec(body: ResourceBody<'token'>, before: Resource<'token'> | null): SpecOf['token'] {
  if (before === null) throw new Error('a token is minted')
  const { digest, prefix, revokedAt, replacedBy } = before.spec
  return { ...withoutNames(body), digest, prefix, revokedAt, replacedBy }
}

/** The mark that a view shows in place of the value means "as it was". */
function toSecretSpec(body: ResourceBody<'secret'>, before: Resource<'secret'> | null): SpecOf['secret'] {
  const spec = withoutNames(body)
  if (spec.value !== secretMark) return spec
  if (before === null) throw invalidBody([{ path: 'value', problem: 'must be given: it was not set before' }])
  return { ...spec, value: before.spec.value }
}

/** As in the configuration document: a program is one process, and so shared. */
function toServerSpec(
  { name: _name, isolation, ...body }: ResourceBody<'server'>,
  before: Resource<'server'> | null,
): SpecOf['server'] {
  const sent = { ...body, isolation: isolation ?? (body.transport.kind === 'stdio' ? 'shared' : 'principal') }
  const { spec, problems } = keepSecrets(sent, before?.spec ?? null)
  if (problems.length > 0) throw invalidBody(problems)
  checkParts(spec.transport)
  return spec
}

/** What no request can carry is refused here: where it is sent, it is too late to say so. */
function checkParts(transport: SpecOf['server']['transport']): void {
  const faults = findServerFaults(transport)
  if (faults.length === 0) return
  throw invalidBody(
    faults.map(({ keys, message }) => ({ path: formatBodyPath(['transport', ...keys]), problem: message })),
  )
}
