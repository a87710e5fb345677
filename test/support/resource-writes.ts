/** Changes for the tests of a ResourceStore, and resources that name each other. */
import type { Change, Resource, ResourceStore } from '#core/resources/resource-store.ts'
import { resource } from './resources.ts'

export type CreateResourceStore = (options?: { historyMax: number }) => Promise<ResourceStore>

export const create = (resource: Resource): Change => ({ do: 'create', resource })
export const update = (resource: Resource): Change => ({ do: 'update', resource })
export const remove = ({ kind, id }: Resource, version: number | null = null): Change => ({
  do: 'delete',
  kind,
  id,
  version,
  at: 77,
  by: 'usr_deleter',
})

/** A token of the user `usr_ann`, with a digest of its own. */
export const annsToken = (name: string, spec: object = {}): Resource<'token'> =>
  resource('token', name, { owner: { kind: 'user', ref: 'usr_ann' }, digest: `digest of ${name}`, ...spec })

/** One resource of every kind; they name each other in every way that there is. */
export function oneOfEachKind(): Resource[] {
  const env = { KEY: { secretRef: 'sec_key' } }
  const server = resource('server', 'github', { labels: ['a'], transport: { kind: 'stdio', command: 'x', env } })
  return [
    resource('secret', 'key'),
    resource('policy', 'readers', { rules: [{ server: 'github', tool: '*', level: 'read' }] }),
    resource('organization', 'acme', { policies: ['pol_readers'] }),
    resource('user', 'ann', { organization: 'org_acme', email: 'ann@example.com', policies: ['pol_readers'] }),
    resource('team', 'blue', { organization: 'org_acme', members: [{ user: 'usr_ann' }], policies: ['pol_readers'] }),
    server,
    resource('toolset', 'issues', { tools: [{ server: 'srv_github', tool: 'create_issue' }] }),
    resource('project', 'site', { organization: 'org_acme', servers: ['srv_github'], toolsets: ['tls_issues'] }),
    resource('agent', 'fixer', { servers: [{ server: 'srv_github', tools: ['a'] }], toolset: 'tls_issues' }),
    annsToken('ci', { project: 'prj_site', policies: ['pol_readers'], servers: ['srv_github'] }),
    resource('role_binding', 'viewers', {
      subjects: [
        { kind: 'user', ref: 'usr_ann' },
        { kind: 'team', ref: 'team_blue' },
        { kind: 'token', ref: 'tok_ci' },
      ],
      bindings: [{ role: 'view', resource: '*' }],
    }),
    resource('credential', 'srv_github.user.usr_ann', {
      server: 'srv_github',
      owner: { kind: 'user', ref: 'usr_ann' },
    }),
  ]
}
