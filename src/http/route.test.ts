import { describe, expect, it } from 'vitest'
import { routePath } from './route.ts'

const mcp = (names: string | null, transport = 'streamable_http', scope = 'servers') => ({
  kind: 'mcp',
  transport,
  words: { scope, names },
})

describe('routePath', () => {
  it.each([
    ['/mcp', mcp(null)],
    ['/mcp/', mcp(null)],
    ['/mcp/files', mcp('files')],
    ['/mcp/files/', mcp('files')],
    ['/mcp/files,git', mcp('files,git')],
    ['/mcp/a%2Cb', mcp('a,b')],
    ['/files/mcp', mcp('files')],
    ['/files,git/mcp/', mcp('files,git')],
    ['/sse', mcp(null, 'sse')],
    ['/messages', mcp(null, 'messages')],
    ['/ws', mcp(null, 'websocket')],
    ['/mcp/sse', mcp(null, 'sse')],
    ['/mcp/files/sse', mcp('files', 'sse')],
    ['/files/mcp/messages', mcp('files', 'messages')],
    ['/files/mcp/ws', mcp('files', 'websocket')],
    ['/mcp/mcp', mcp('mcp')],
    ['/mcp/constructor', mcp('constructor')],
    ['/projects/demo/mcp', mcp('demo', 'streamable_http', 'project')],
    ['/projects/demo/mcp/', mcp('demo', 'streamable_http', 'project')],
    ['/projects/de%6do/mcp/sse', mcp('demo', 'sse', 'project')],
    ['/projects/a,b/mcp/messages', mcp('a,b', 'messages', 'project')],
    ['/toolset/sse/mcp', mcp('sse', 'streamable_http', 'toolset')],
    ['/toolset/readers/mcp/ws', mcp('readers', 'websocket', 'toolset')],
    ['/projects/mcp', mcp('projects')],
    ['/mcp/toolset', mcp('toolset')],
    ['/sessions/ses_1/mcp/git', { kind: 'broker', at: { sessionId: 'ses_1', server: 'git' } }],
    ['/api/v1/managed_agents/sessions/s/mcp/git/', { kind: 'broker', at: { sessionId: 's', server: 'git' } }],
    ['/health/live', { kind: 'live' }],
    ['/health/ready', { kind: 'ready' }],
  ])('leads %s where it belongs', (path, route) => {
    expect(routePath(path)).toEqual(route)
    expect(routePath(path)).toEqual(route)
  })

  it.each([
    '/',
    '',
    'mcp',
    '/mcp//',
    '//mcp',
    '/MCP',
    '/files',
    '/mcp/a/b',
    '/a/mcp/b',
    '/a/b/mcp',
    '/projects/mcp/demo',
    '/projects//mcp',
    '/projects/demo',
    '/mcp/projects/demo',
    '/toolsets/demo/mcp',
    '/Projects/demo/mcp',
    '/projects/demo/mcp/more',
    '/constructor/demo/mcp',
    '/mcp/%',
    '/mcp/%ff',
    '/constructor',
    '/__proto__/sse',
    '/health',
    '/health/live/',
    `/mcp/${'x/'.repeat(5_000)}`,
  ])('leads %s nowhere', (path) => {
    expect(routePath(path)).toBeNull()
  })

  it('does not take an escaped slash for a step', () => {
    expect(routePath('/mcp/a%2Fb')).toEqual(mcp('a/b'))
  })

  it('stays right when it is asked for more paths than it remembers', () => {
    for (let i = 0; i < 3_000; i++) expect(routePath(`/mcp/server-${i}`)).toEqual(mcp(`server-${i}`))
    expect(routePath('/mcp')).toEqual(mcp(null))
  })
})
