/** What an explanation says of where a token may be used, and by whom. */
import { describe, expect, it } from 'vitest'
import { controlWorld } from '#test/support/control-world.ts'
import { resource } from '#test/support/resources.ts'
import { explainAccess } from './explain-access.ts'

const open = resource('policy', 'open', { default: 'execute' })
const admin = resource('user', 'admin', { role: 'admin' })
const mia = resource('user', 'mia', { policies: [open.id] })
const files = resource('server', 'files')
const site = resource('project', 'site', { servers: ['srv_github'] })
const all = [open, admin, mia, files, site]
const token = (name: string, spec: object = {}) =>
  resource('token', name, { owner: { kind: 'user', ref: mia.id }, digest: `digest of ${name}`, ...spec })

describe('explainAccess', () => {
  it.each<[string[], boolean]>([
    [[], false],
    [['/mcp'], true],
    [['/sse'], true],
    [['/mcp/files', '/github/mcp'], true],
    [['/mcp/files,gh'], true],
    [['/mcp/dev'], true],
    [['/mcp/files'], false],
    [['/mcp/nothing', '/api/v1'], false],
    [['/projects/site/mcp'], true],
    [['/projects/other/mcp'], false],
    [['/toolset/finding/mcp'], true],
    [['/mcp/files,finding'], true],
    [['/toolset/other/mcp', '/mcp/other'], false],
  ])('says whether %j, to which a token is bound, leads there', async (endpoints, isCallable) => {
    const more = [
      resource('server', 'github', { aliases: ['gh'], labels: ['dev'] }),
      token('placed', { endpoints }),
      resource('project', 'other', { servers: [files.id] }),
      resource('toolset', 'finding', { tools: [{ server: 'srv_github', tool: 'find' }] }),
      resource('toolset', 'other', { tools: [{ server: 'srv_github', tool: 'other' }] }),
    ]
    const world = await controlWorld([...all, ...more])
    const question = { token: 'placed', server: 'github', tool: 'find' }
    const answer = await explainAccess(world.deps, world.as('user', 'admin').actor, question)
    expect(answer.isCallable).toBe(isCallable)
    const about = endpoints.length === 0 ? 'at no address' : `only at ${endpoints.join(', ')}`
    expect(answer.steps).toContainEqual({ step: 'address', isPassed: isCallable, about })
  })

  it('says for whom an internal server is there', async () => {
    const hidden = resource('server', 'github', { visibility: 'internal' })
    const world = await controlWorld([...all, token('ci'), hidden])
    const question = { token: 'ci', server: 'github', tool: 'find' }
    const answer = await explainAccess(world.deps, world.as('user', 'admin').actor, question)
    expect(answer.steps).toContainEqual({ step: 'server', isPassed: true, about: 'github, for internal clients alone' })
  })

  it('says that a token of a project is for that project’s address, whatever others it is bound to', async () => {
    const ask = async (endpoints: string[]) => {
      const placed = token('placed', { project: site.id, endpoints })
      const world = await controlWorld([...all, resource('server', 'github'), placed])
      const question = { token: 'placed', server: 'github', tool: 'find' }
      return (await explainAccess(world.deps, world.as('user', 'admin').actor, question)).isCallable
    }
    expect(await ask(['/mcp', '/projects/site/mcp'])).toBe(true)
    expect(await ask(['/mcp', '/mcp/github'])).toBe(false)
  })
})
