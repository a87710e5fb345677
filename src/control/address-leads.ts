/** Where an address leads, as `gateway/locate.ts` has it: for people who ask why. */
import { isThrough, passageOf, type Ceiling } from '#core/access/ceiling.ts'
import { Ceilings } from '#core/identity/ceilings.ts'
import { parseAddress } from '#core/naming/address.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { theServerCalled } from '#core/resources/server-names.ts'

/** `tool` null: what the server has beside tools. */
type Goal = { server: Resource<'server'>; tool: string | null }

/**
 * @param path as the addresses of a token are written
 * @param goal.project the id of the only one at whose address the token may be used; undefined: it is bound to none
 */
export function leadsTo(index: ResourceIndex, path: string, goal: Goal & { project: string | undefined }): boolean {
  const address = parseAddress(path)
  if (!address) return false
  const { scope, names } = address
  if (scope === 'project') {
    const isRight = goal.project === undefined || index.find('project', names)?.id === goal.project
    return isRight && isOffered(ceilingOfProject(index, names), goal)
  }
  if (goal.project !== undefined) return false
  if (scope === 'toolset') return isOffered(ceilingOfToolset(index, names), goal)
  return names === null || names.split(',').some((name) => isMeant(index, name.trim(), goal))
}

function isMeant(index: ResourceIndex, name: string, goal: Goal): boolean {
  const { server } = goal
  const meant = index.find('server', name) ?? theServerCalled(index, name)
  if (meant) return meant.id === server.id
  return server.spec.labels.includes(name) || isOffered(ceilingOfToolset(index, name), goal)
}

function isOffered(ceiling: Ceiling | undefined, { server, tool }: Goal): boolean {
  return ceiling !== undefined && isThrough(passageOf(ceiling, server.name, server.spec.labels), tool)
}

function ceilingOfProject(index: ResourceIndex, name: string): Ceiling | undefined {
  const project = index.find('project', name)
  return project && new Ceilings(index).ofProject(project)
}

function ceilingOfToolset(index: ResourceIndex, name: string): Ceiling | undefined {
  const toolset = index.find('toolset', name)
  return toolset && new Ceilings(index).ofToolset(toolset)
}
