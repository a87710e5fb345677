/** Who and what there is where a team's admin is tried against what it may not do. */
import type { ManagedKind } from '#contract/resource.ts'
import { updateResource } from '#control/update-resource.ts'
import type { ControlWorld } from './control-world.ts'
import { resource } from './resources.ts'

export const reader = resource('policy', 'reader', { rules: [{ level: 'read' }] })
export const noDelete = resource('policy', 'no-delete', { rules: [{ tool: 'delete_*', level: 'deny' }] })
const acme = resource('organization', 'acme')
export const admin = resource('user', 'admin', { role: 'admin' })
export const mia = resource('user', 'mia')
export const noah = resource('user', 'noah')
export const olga = resource('user', 'olga')
const github = resource('server', 'github', {
  transport: {
    kind: 'streamable_http',
    url: 'https://example.com/mcp',
    credential: { kind: 'bearer', token: 'CANARY' },
  },
})
export const team = resource('team', 'web', { members: [{ user: mia.id, role: 'admin' }], policies: [reader.id] })
export const site = resource('project', 'site', { servers: [github.id] })
export const all = [reader, noDelete, acme, admin, mia, noah, olga, github, team, site]

export type Change = { kind: ManagedKind; ref: string; version?: number | null; body: unknown }
export const update = (world: ControlWorld, name: string, { version = null, ...change }: Change) =>
  updateResource(world.deps, world.as('user', name), { ...change, version })
