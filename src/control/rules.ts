/**
 * What must hold of a resource before it is stored, beside that its maker may make it: nobody gives what it does not have itself, unless it
 * may manage everything anyway.
 */
import type { ManagedKind } from '#contract/resource.ts'
import type { Change } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { checkAgent } from './agent-rules.ts'
import { checkProject, checkToolset } from './bound-rules.ts'
import type { ControlDeps } from './control-deps.ts'
import { checkPolicy } from './policy-rules.ts'
import { checkPolicyGrants } from './policy-grants.ts'
import { checkRoleBinding } from './role-binding-rules.ts'
import { checkServer } from './server-rules.ts'
import { checkOrganizationPolicies, checkTeam } from './team-rules.ts'
import { checkTokenUpdate } from './token-rules.ts'
import type { Transition } from './transition.ts'
import { checkUser } from './user-rules.ts'

type Rule<Kind extends ManagedKind> = (
  deps: ControlDeps,
  actor: Actor,
  transition: Transition<Kind>,
) => Promise<Change[] | void> | void

const rules: { [Kind in ManagedKind]: Rule<Kind> } = {
  organization: (_, actor, transition) => checkOrganizationPolicies(actor, transition),
  team: checkTeam,
  user: checkUser,
  policy: (deps, actor, transition) => {
    checkPolicy(deps, transition)
    return checkPolicyGrants(deps, actor, transition)
  },
  server: checkServer,
  toolset: checkToolset,
  project: checkProject,
  agent: checkAgent,
  token: checkTokenUpdate,
  role_binding: (_, actor, transition) => checkRoleBinding(actor, transition),
  secret: () => undefined,
}

/**
 * @returns what must be written together with it
 * @throws GatewayError `exceeds_creator`, `forbidden`, `invalid_body`, `last_admin`, `person_required`
 */
export async function checkRules<Kind extends ManagedKind>(
  deps: ControlDeps,
  actor: Actor,
  transition: Transition<Kind>,
): Promise<Change[]> {
  return (await rules[transition.after.kind](deps, actor, transition)) ?? []
}
