import { GatewayError } from '#contract/errors.ts'
import { allowsExecute, allowsRead } from '#core/access/decide.ts'
import { type Explanation, explain } from '#core/access/explain.ts'
import { composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { isHeld, tokenStatus } from '#core/identity/token-status.ts'
import { canRun } from '#core/rbac/evaluate.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { leadsTo } from './address-leads.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { factsOfNoServer, findKnownServer } from './known-server.ts'

export type ExplainQuestion = {
  /** Name or id of a token; without it the actor's own. */
  token?: string | undefined
  /** Name, id or alias of a server. */
  server: string
  /** The server's own name for it; without it: what the server has beside tools. */
  tool?: string | undefined
  /** Of a call; without them it is answered for as far as that can be said. */
  args?: unknown
}

/** One thing that a call has to pass, in the order in which it does. */
export type ExplainedStep = {
  step: 'token' | 'owner' | 'project' | 'address' | 'server' | 'ceiling' | 'policy'
  isPassed: boolean
  /** What was looked at, and what was found: `revoked`, `project demo`, `reader rule 3`. */
  about: string
}

export type ExplainedAccess = {
  token: { id: string; name: string }
  server: string
  tool: string | null
  isListed: boolean
  isCallable: boolean
  /** It depends on arguments that were not given. */
  isConditional: boolean
  steps: ExplainedStep[]
  explanation: Explanation
}

/**
 * Why a token may, or may not, call a tool. Who may see the token may ask, who may explain, and the token itself.
 * @throws GatewayError `no_such_resource`, `invalid_params` where no token is named and the actor is none
 */
export async function explainAccess(
  deps: ControlDeps,
  actor: Actor,
  { token: ref, server: serverRef, tool, args }: ExplainQuestion,
): Promise<ExplainedAccess> {
  const token = await getToken(deps, actor, ref)
  const server = await findKnownServer(deps, actor, serverRef)
  const name = server?.name ?? serverRef
  const question = { server: name, tool: tool ?? null, ...(args !== undefined && { args }) }
  const parts = { ...composeToken(deps.index, token), ...(server ? serverFacts(deps.index) : factsOfNoServer) }
  const explanation = explain(parts, question)
  const steps = [
    ...identitySteps(deps, token),
    ...addressSteps(deps, token, { server, tool: question.tool }),
    serverStep(name, server),
    ...decisionSteps(explanation),
  ]
  const isReached = steps.every(({ isPassed, step }) => isPassed || step === 'policy' || step === 'ceiling')
  const { level, isConditional } = explanation.decision
  // Which arguments somebody means to give makes no difference to what is listed.
  const listed = explain(parts, { server: name, tool: question.tool }).decision
  return {
    token: { id: token.id, name: token.name },
    server: name,
    tool: question.tool,
    isListed: isReached && allowsRead(listed.level),
    isCallable: isReached && allowsExecute(level),
    isConditional: isConditional === true,
    steps,
    explanation,
  }
}

async function getToken(deps: ControlDeps, actor: Actor, ref: string | undefined): Promise<Resource<'token'>> {
  if (ref === undefined) {
    if (actor.token) return actor.token
    throw new GatewayError('invalid_params', { details: { reason: 'token: is required, for you have none' } })
  }
  const token = await findResource(deps, 'token', ref)
  const mayAsk =
    token &&
    (token.id === actor.token?.id ||
      canRun(actor.bindings, 'explain') ||
      isAllowed(deps.index, actor, { role: 'view', resource: token }))
  if (!mayAsk) throw new GatewayError('no_such_resource')
  return token
}

function identitySteps({ index, clock }: ControlDeps, { spec }: Resource<'token'>): ExplainedStep[] {
  const status = tokenStatus(spec, clock.now())
  const owner = index.get(spec.owner.kind, spec.owner.ref)
  const isPassed = isHeld(index, { owner: spec.owner })
  const named = `${spec.owner.kind} ${owner?.name ?? 'that is gone'}`
  const steps: ExplainedStep[] = [
    { step: 'token', isPassed: status === 'active', about: status },
    { step: 'owner', isPassed, about: owner && !isPassed ? `${named}, disabled` : named },
  ]
  if (spec.project === undefined) return steps
  const project = index.get('project', spec.project)
  return [
    ...steps,
    { step: 'project', isPassed: project !== undefined, about: `project ${project?.name ?? 'that is gone'}` },
  ]
}

type Goal = { server: Resource<'server'> | null; tool: string | null }

/** Of a token that is bound to addresses: whether one of them leads there. */
function addressSteps(
  { index }: ControlDeps,
  { spec: { endpoints, project } }: Resource<'token'>,
  { server, tool }: Goal,
): ExplainedStep[] {
  if (!endpoints) return []
  const isPassed = server !== null && endpoints.some((path) => leadsTo(index, path, { server, tool, project }))
  return [
    { step: 'address', isPassed, about: endpoints.length > 0 ? `only at ${endpoints.join(', ')}` : 'at no address' },
  ]
}

function serverStep(name: string, server: Resource<'server'> | null): ExplainedStep {
  const isEnabled = server?.spec.isEnabled === true
  if (!isEnabled) return { step: 'server', isPassed: false, about: `${name}, ${server ? 'not enabled' : 'not there'}` }
  const isInternal = server.spec.visibility === 'internal'
  return { step: 'server', isPassed: true, about: isInternal ? `${name}, for internal clients alone` : name }
}

function decisionSteps({ ceilings, decision }: Explanation): ExplainedStep[] {
  return [
    ...ceilings.map(({ name, isWithin }): ExplainedStep => ({ step: 'ceiling', isPassed: isWithin, about: name })),
    { step: 'policy', isPassed: allowsRead(decision.level), about: toWords(decision) },
  ]
}

function toWords({ level, reason }: Explanation['decision']): string {
  switch (reason.kind) {
    case 'rule':
      return `${level}: rule ${reason.index} of ${reason.policy}`
    case 'default':
      return `${level}: the default of ${reason.policy}`
    case 'ceiling':
      return `${level}: outside of ${reason.name}`
    case 'everyone':
      return `${level}: the server is for everyone`
    case 'name_too_long':
      return `${level}: no tool has so long a name`
    case 'no_policy':
      return `${level}: no policy`
  }
  return reason satisfies never
}
