import { beforeEach, describe, expect, it } from 'vitest'
import { composeAccess } from '#core/access/access.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { resource } from '#test/support/resources.ts'
import { composeSession } from './session-access.ts'

let snapshot: ResourceSnapshot

const put = (...changed: Resource[]): void => snapshot.apply({ changed, deleted: [], isWhole: false })

beforeEach(() => {
  snapshot = new ResourceSnapshot()
  put(resource('server', 'git', { labels: ['code'] }), resource('server', 'files'), resource('server', 'mail'))
})

/** The levels of `server/tool` words; `server/` alone is what the server has beside tools. */
function levels(agent: object, words: readonly string[], claimed = ['srv_git', 'srv_files', 'srv_mail']): string[] {
  const labelsOf = (server: string) => snapshot.find('server', server)?.spec.labels ?? null
  const access = composeAccess({ ...composeSession(snapshot, resource('agent', 'helper', agent), claimed), labelsOf })
  return words.map((word) => {
    const [server = '', tool = ''] = word.split('/')
    return (tool === '' ? access.server(server) : access.tool(server, tool)).level
  })
}

const both = [{ server: 'srv_git' }, { server: 'srv_files' }]

describe('what a session may call', () => {
  it('is all that is attached, where its agent has no policy, and nothing else', () => {
    const words = ['git/push', 'git/', 'files/read', 'mail/send', 'mail/', 'other/x']
    expect(levels({ servers: both }, words)).toEqual(['execute', 'execute', 'execute', 'deny', 'deny', 'deny'])
  })

  it('is nothing where nothing is attached', () => {
    expect(levels({}, ['git/push', 'git/'])).toEqual(['deny', 'deny'])
  })

  it('is of a server with a list of tools these tools alone', () => {
    const servers = [
      { server: 'srv_git', tools: ['pull'] },
      { server: 'srv_files', tools: [] },
    ]
    const words = ['git/pull', 'git/push', 'git/', 'files/read', 'files/']
    expect(levels({ servers }, words)).toEqual(['execute', 'deny', 'deny', 'deny', 'deny'])
  })

  it('is within the toolset as well', () => {
    put(
      resource('toolset', 'few', {
        tools: [
          { server: 'srv_git', tool: 'pull' },
          { server: 'srv_mail', tool: 'send' },
        ],
      }),
    )
    const words = ['git/pull', 'git/push', 'git/', 'files/read', 'mail/send']
    expect(levels({ servers: both, toolset: 'tls_few' }, words)).toEqual(['execute', 'deny', 'deny', 'deny', 'deny'])
    expect(levels({ servers: both, toolset: 'tls_gone' }, words)).toEqual(['deny', 'deny', 'deny', 'deny', 'deny'])
  })

  it('is within what its token names: what is attached later does not widen it', () => {
    expect(levels({ servers: both }, ['git/push', 'files/read'], ['srv_git'])).toEqual(['execute', 'deny'])
    expect(levels({ servers: both }, ['git/push', 'files/read'], [])).toEqual(['deny', 'deny'])
  })

  it('is what its policies grant of what is attached', () => {
    put(resource('policy', 'reader', { rules: [{ server: '*', tool: 'read*', level: 'execute' }] }))
    const words = ['git/read_log', 'git/push', 'files/read', 'mail/read']
    expect(levels({ servers: both, policies: ['pol_reader'] }, words)).toEqual(['execute', 'deny', 'execute', 'deny'])
  })

  it('is nothing where a policy that it names is gone', () => {
    expect(levels({ servers: both, policies: ['pol_gone'] }, ['git/push'])).toEqual(['deny'])
    put(resource('policy', 'all', { default: 'execute' }))
    expect(levels({ servers: both, policies: ['pol_all', 'pol_gone'] }, ['git/push'])).toEqual(['deny'])
  })

  it('is never what its organization denies', () => {
    put(
      resource('policy', 'no-code', {
        default: 'execute',
        rules: [{ server: 'label:code', tool: 'push', level: 'deny' }],
      }),
      resource('organization', 'acme', { policies: ['pol_no-code'] }),
    )
    const words = ['git/push', 'git/pull', 'files/push', 'mail/send']
    const agent = { servers: both, organization: 'org_acme' }
    expect(levels(agent, words)).toEqual(['deny', 'execute', 'execute', 'deny'])
    expect(levels({ ...agent, organization: 'org_gone' }, words)).toEqual(['deny', 'deny', 'deny', 'deny'])
  })

  it('follows a server to its new name, and does not stay with the old one', () => {
    put({ ...resource('server', 'vcs'), id: 'srv_git' }, { ...resource('server', 'git'), id: 'srv_evil' })
    expect(levels({ servers: both }, ['vcs/push', 'git/push'])).toEqual(['execute', 'deny'])
  })
})
