/** Who and what there is where tokens are made: `mia`, admin of a team that may more than she may. */
import type { Binding } from '#contract/role-binding.ts'
import { mintToken } from '#control/mint-token.ts'
import type { ControlWorld } from './control-world.ts'
import { resource } from './resources.ts'

export const reader = resource('policy', 'reader', { rules: [{ level: 'read' }] })
export const writer = resource('policy', 'writer', { rules: [{ level: 'execute' }] })
const noDelete = resource('policy', 'no-delete', { rules: [{ tool: 'delete_*', level: 'deny' }] })
export const admin = resource('user', 'admin', { role: 'admin' })
export const mia = resource('user', 'mia', { policies: [reader.id, noDelete.id] })
export const noah = resource('user', 'noah')
const olga = resource('user', 'olga')
const team = resource('team', 'web', {
  members: [{ user: mia.id, role: 'admin' }, { user: noah.id }],
  policies: [writer.id],
})
export const github = resource('server', 'github')
export const site = resource('project', 'site')
export const viewServers: Binding = { role: 'view', resource: 'servers' }
export const editServers: Binding = { role: 'edit', resource: 'servers' }
export const all = [reader, writer, noDelete, admin, mia, noah, olga, team, github, site]

export const dayMs = 86_400_000
export const mint = (world: ControlWorld, name: string, body: object) =>
  mintToken(world.deps, world.as('user', name), body)
