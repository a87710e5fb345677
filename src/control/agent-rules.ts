import { invalidBody } from '#contract/parse-body.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { holdsPolicies } from './grants.ts'
import { changedMembers, checkOrganization, exceedsCreator, isFree, type Transition } from './transition.ts'

const grantMembers = new Set(['servers', 'toolset', 'policies'])

/** Without policies an agent's sessions may call all that is attached, so who has less than everything must name policies that it holds. */
export function checkAgent(deps: ControlDeps, actor: Actor, { before, after }: Transition<'agent'>): void {
  checkServersOnce(after.spec.servers)
  if (isFree(actor)) return
  checkOrganization(deps, actor, { before, after })
  const { servers, policies } = after.spec
  const isChanged = before === null || changedMembers(before.spec, after.spec).some((one) => grantMembers.has(one))
  if (!isChanged || servers.length === 0) return
  if (policies.length === 0 || !holdsPolicies(deps.index, actor, { policies })) throw exceedsCreator('policies')
}

/** Two entries of one server could narrow it in two ways. */
function checkServersOnce(servers: readonly { server: string }[]): void {
  const seen = new Set<string>()
  for (const [index, { server }] of servers.entries()) {
    if (seen.has(server)) throw invalidBody([{ path: `servers[${index}].server`, problem: 'is attached already' }])
    seen.add(server)
  }
}
