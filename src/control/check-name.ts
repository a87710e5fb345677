import { GatewayError } from '#contract/errors.ts'
import { invalidBody } from '#contract/parse-body.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { hasIdForm, isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ControlDeps } from './control-deps.ts'

/**
 * Whether a resource may get this name. That no stored one has it is for the store to find out.
 *
 * @throws GatewayError `invalid_body` where it looks like an id; `already_exists` where the configuration declares one of that name
 */
export function checkName({ index }: Pick<ControlDeps, 'index'>, kind: ResourceKind, name: string): void {
  if (hasIdForm(name)) throw invalidBody([{ path: 'name', problem: 'must not look like an id' }])
  const known = index.find(kind, name)
  if (known && isDeclaredId(known.id)) throw new GatewayError('already_exists')
}
