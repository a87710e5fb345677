/**
 * Toolsets and projects bound those who are bound to them: tokens, and the agents of a toolset. Who may edit one, and not everything, widens it
 * only by what it may call itself.
 */
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { createGiver, type Given, toolOf } from './reach.ts'
import { checkOrganization, exceedsCreator, isFree, type Transition } from './transition.ts'

type Deps = Pick<ControlDeps, 'index' | 'store'>

export async function checkToolset(deps: Deps, actor: Actor, { before, after }: Transition<'toolset'>): Promise<void> {
  if (before === null || isFree(actor)) return
  const keyOf = (pair: { server: string; tool: string }) => JSON.stringify([pair.server, pair.tool])
  const known = new Set(before.spec.tools.map(keyOf))
  const won = after.spec.tools.filter((pair) => !known.has(keyOf(pair)))
  const given = won.map(({ server, tool }) => toGiven(deps.index, server, tool))
  await requireHeld(deps, actor, { kind: 'toolset', id: after.id, given, path: 'tools' })
}

export async function checkProject(deps: Deps, actor: Actor, { before, after }: Transition<'project'>): Promise<void> {
  checkOrganization(deps, actor, { before, after })
  if (before === null || isFree(actor)) return
  const { index } = deps
  const [servers, toolsets] = (['servers', 'toolsets'] as const).map((member) =>
    after.spec[member].filter((id) => !before.spec[member].includes(id)),
  )
  const tools = (toolsets ?? []).flatMap((id) => index.get('toolset', id)?.spec.tools ?? [])
  const id = after.id
  const whole = (servers ?? []).map((server) => toGiven(index, server, '*'))
  await requireHeld(deps, actor, { kind: 'project', id, given: whole, path: 'servers' })
  const given = tools.map(({ server, tool }) => toGiven(index, server, tool))
  await requireHeld(deps, actor, { kind: 'project', id, given, path: 'toolsets' })
}

/** Null for a server that this replica does not know: nobody knows who may call it. */
function toGiven(index: ResourceIndex, server: string, tool: string): Given | null {
  const name = index.get('server', server)?.name
  return name === undefined ? null : toolOf(name, tool)
}

type Widened = { kind: 'toolset' | 'project'; id: string; given: readonly (Given | null)[]; path: string }

/** What nobody is bound to gives nothing. */
async function requireHeld({ index, store }: Deps, actor: Actor, { kind, id, given, path }: Widened): Promise<void> {
  const mayGive = createGiver(index, actor)
  if (given.every((one) => one !== null && mayGive(one))) return
  if ((await store.referrers(kind, id, 1)).length > 0) throw exceedsCreator(path)
}
