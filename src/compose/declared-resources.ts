/** What the configuration document declares, as resources: read-only, laid over what is stored. */
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { Policy } from '#contract/policy.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import type { Server } from '#contract/server.ts'
import { toDeclaredId } from '#core/resources/resource-ids.ts'
import type { Resource, SpecOf } from '#core/resources/resource-store.ts'

/** Whose the configuration's tokens are: nobody who could sign in, and nobody who may manage anything. */
const operatorName = 'configuration'

/** What the first person is called, and its token. */
export const adminName = 'admin'

/** The first admin's policy; configured policies cannot take its name. */
export const adminPolicyName = 'toolgate-admin'

const adminPolicy: Policy = {
  name: adminPolicyName,
  description: 'Everything. Held by the first admin token.',
  default: 'admin',
  rules: [],
}

/** @param servers the configured ones, or those that stand in where none is configured */
export function declaredResources(
  { policies, tokens, secrets }: Pick<LoadedConfig, 'policies' | 'tokens' | 'secrets'>,
  servers: readonly Server[],
): Resource[] {
  const isPolicy = new Set(policies.map(({ name }) => name))
  const isSecret = new Set(secrets.map(({ name }) => name))
  return [
    ...[adminPolicy, ...policies].map(({ name, ...spec }) => declared('policy', name, spec)),
    ...secrets.map(({ name, value }) => declared('secret', name, { value })),
    ...servers.map(({ name, ...spec }) => declared('server', name, withSecretIds(spec, isSecret))),
    declared('user', operatorName, { type: 'service', role: 'member', policies: [], isDisabled: false }),
    ...tokens.map(({ name, hash, policies: named, expiresAt }) =>
      declared('token', name, {
        owner: { kind: 'user', ref: toDeclaredId('user', operatorName) },
        // A policy that does not exist grants nothing.
        policies: named.filter((policy) => isPolicy.has(policy)).map((policy) => toDeclaredId('policy', policy)),
        bindings: [],
        limits: {},
        expiresAt,
        digest: hash,
        prefix: '',
        revokedAt: null,
        replacedBy: null,
      }),
    ),
  ]
}

/** What is declared names what is declared with it by its id; any other secret is looked for by its name, when it is used. */
function withSecretIds(spec: SpecOf['server'], isSecret: ReadonlySet<string>): SpecOf['server'] {
  const transport = mapSecretRefs(spec.transport, (name) => ({
    secretRef: isSecret.has(name) ? toDeclaredId('secret', name) : name,
  }))
  return transport === spec.transport ? spec : { ...spec, transport }
}

function declared<Kind extends ResourceKind>(kind: Kind, name: string, spec: SpecOf[Kind]): Resource<Kind> {
  const meta = {
    labels: {},
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    createdBy: 'configuration',
    updatedBy: 'configuration',
  }
  return { kind, id: toDeclaredId(kind, name), name, ...meta, spec }
}
