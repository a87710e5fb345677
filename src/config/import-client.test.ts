import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { importClientServers } from './import-client.ts'
import { loadConfig } from './load.ts'

const source = 'mcp.json'
const serversOf = (mcpServers: unknown) => importClientServers({ mcpServers }, source)
const only = (definition: unknown) => serversOf({ one: definition }).servers.one

describe('importClientServers', () => {
  it('reads the file of Claude Desktop', () => {
    const json = {
      mcpServers: {
        filesystem: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/home/me'] },
        github: { command: 'docker', args: ['run', '-i'], env: { GITHUB_TOKEN: 'ghp_abc' } },
      },
    }
    expect(importClientServers(json, source)).toEqual({
      servers: {
        filesystem: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/home/me'] },
        github: { command: 'docker', args: ['run', '-i'], env: { GITHUB_TOKEN: 'ghp_abc' } },
      },
      variables: [],
      secretPaths: ['servers.github.env.GITHUB_TOKEN'],
      renamed: [],
      skipped: [],
    })
  })

  it("reads VS Code's servers, its settings, and the projects of Claude Code", () => {
    const named = (name: string) => ({ [name]: { command: name } })
    expect(importClientServers({ servers: named('a'), inputs: [] }, source).servers).toEqual(named('a'))
    expect(importClientServers({ mcp: { servers: named('b') } }, source).servers).toEqual(named('b'))
    const json = {
      mcpServers: named('c'),
      projects: { '/x': { mcpServers: { ...named('d'), ...named('c') } }, '/y': { mcpServers: named('d') }, '/z': {} },
    }
    expect(importClientServers(json, source)).toMatchObject({ servers: { ...named('c'), ...named('d') }, renamed: [] })
  })

  it.each([
    [{ url: 'https://a.example/mcp' }, { url: 'https://a.example/mcp' }],
    [{ serverUrl: 'https://a.example/mcp' }, { url: 'https://a.example/mcp' }],
    [{ type: 'http', url: 'https://a.example/sse' }, { url: 'https://a.example/sse' }],
    [
      { type: 'sse', url: 'https://a.example/x' },
      { url: 'https://a.example/x', transport: 'sse' },
    ],
    [{ url: 'https://a.example/sse' }, { url: 'https://a.example/sse', transport: 'sse' }],
    [{ url: 'https://a.example/sse?x=1' }, { url: 'https://a.example/sse?x=1', transport: 'sse' }],
    [{ url: 'wss://a.example/mcp', type: 'websocket' }, { url: 'wss://a.example/mcp' }],
    [{ url: 'http://a.example', headers: {} }, { url: 'http://a.example' }],
    [
      { url: 'http://a.example', headers: { 'X-A': 'b', 'X-B': 1 } },
      { url: 'http://a.example', headers: { 'X-A': 'b', 'X-B': '1' } },
    ],
    [
      { type: 'stdio', command: 'x', cwd: '/w', args: [], env: {} },
      { command: 'x', cwd: '/w' },
    ],
    [
      { command: 'x', args: ['-p', 8080], env: { PORT: 8080, ON: true, NO: null } },
      { command: 'x', args: ['-p', '8080'], env: { PORT: '8080', ON: 'true' } },
    ],
    [
      { command: 'x', disabled: true },
      { command: 'x', isEnabled: false },
    ],
    [
      { command: 'x', enabled: false, alwaysAllow: ['y'] },
      { command: 'x', isEnabled: false },
    ],
    [{ command: 'x', disabled: false }, { command: 'x' }],
  ])('makes %j to %j', (definition, expected) => {
    expect(only(definition)).toEqual(expected)
  })

  it('keeps variables of every client as variables of ours, and lists them', () => {
    const imported = serversOf({
      one: {
        command: '${userHome}/bin/x',
        args: [
          '${input:api-key}',
          '${workspaceFolder}',
          '${PLAIN}',
          '${DEFAULT:-fallback}',
          'a ${ b',
          '${command:pick}',
        ],
        env: { A: '${env:TOKEN}' },
      },
      two: { url: 'https://${API_HOST}/mcp', headers: { Authorization: 'Bearer ${env:TOKEN}' } },
    })
    expect(imported.servers).toEqual({
      one: {
        command: '${HOME}/bin/x',
        args: ['${API_KEY}', '${WORKSPACE_FOLDER}', '${PLAIN}', '${DEFAULT}', 'a $${ b', '$${command:pick}'],
        env: { A: '${TOKEN}' },
      },
      two: { url: 'https://${API_HOST}/mcp', headers: { Authorization: 'Bearer ${TOKEN}' } },
    })
    expect(imported.variables).toEqual(['API_HOST', 'API_KEY', 'DEFAULT', 'HOME', 'PLAIN', 'TOKEN', 'WORKSPACE_FOLDER'])
    expect(imported.secretPaths).toEqual([])
  })

  it('lists the values that look like secrets', () => {
    const imported = serversOf({
      one: {
        command: 'x',
        args: ['--api-key', 'abc', '--header', 'Authorization: Bearer abc', '--port', '80', 'postgres://me:pw@db/x'],
        env: { MY_TOKEN: 'abc', PLAIN: 'sk-abc', PATH: '/bin' },
      },
      two: { url: 'https://a.example/mcp?api_key=abc', headers: { 'X-Api-Key': 'abc', 'X-Team': 'red' } },
    })
    expect(imported.secretPaths).toEqual([
      'servers.one.args[1]',
      'servers.one.args[3]',
      'servers.one.args[6]',
      'servers.one.env.MY_TOKEN',
      'servers.one.env.PLAIN',
      'servers.two.url',
      'servers.two.headers.X-Api-Key',
    ])
  })

  it('gives names that are allowed, each once', () => {
    const imported = serversOf({
      'My Server': { command: 'a' },
      'my-server': { command: 'b' },
      my_server__x: { command: 'c' },
      mcp: { command: 'd' },
      'Größe ✓': { command: 'e' },
      '✓': { command: 'f' },
      ['long'.repeat(20)]: { command: 'g' },
      ['long'.repeat(21)]: { command: 'h' },
      'io.github.user/tool': { command: 'i' },
    })
    expect(Object.keys(imported.servers)).toEqual([
      'my-server',
      'my-server-2',
      'my_server_x',
      'mcp-server',
      'gro-e',
      'server',
      'long'.repeat(10),
      `${'long'.repeat(9)}lo-2`,
      'io-github-user-tool',
    ])
    expect(imported.renamed[0]).toEqual({ from: 'My Server', to: 'my-server' })
    expect(imported.renamed).toHaveLength(9)
  })

  it.each([
    ['text', 'is not a map'],
    [null, 'is not a map'],
    [{}, 'needs "url" or "command"'],
    [{ command: '' }, 'command must not be empty'],
    [{ command: 5 }, 'needs "url" or "command"'],
    [{ url: 'nope' }, 'url must be a complete URL of a scheme that is allowed here'],
    [
      { url: 'https://me:pw@a.example' },
      'url must not contain a user name or a password; use "credential" with kind "basic"',
    ],
    [
      { url: 'https://a.example', headers: { 'x-a': 'b\nc' } },
      'headers.x-a must be a single line of printable characters',
    ],
    [{ url: 'https://a.example', headers: { Host: 'b' } }, 'headers.Host is written by the gateway itself'],
    [{ command: 'toolgate', args: ['bridge'] }, 'is Toolgate itself'],
    [{ command: 'npx', args: ['-y', 'toolgate@latest', 'bridge', '--url', 'x'] }, 'is Toolgate itself'],
    [{ command: 'node', args: ['/opt/toolgate/bin/toolgate.js', 'bridge'] }, 'is Toolgate itself'],
  ])('skips %j and says why', (definition, reason) => {
    const imported = serversOf({ bad: definition, good: { command: 'x' } })
    expect(imported.skipped).toEqual([{ name: 'bad', reason: `mcp.json: ${reason}` }])
    expect(Object.keys(imported.servers)).toEqual(['good'])
  })

  it.each([
    null,
    undefined,
    5,
    'text',
    [],
    {},
    { mcpServers: [] },
    { mcpServers: null },
    { servers: 'x' },
    { projects: [1] },
  ])('finds nothing in %j', (json) => {
    expect(importClientServers(json, source)).toEqual({
      servers: {},
      variables: [],
      secretPaths: [],
      renamed: [],
      skipped: [],
    })
  })

  it('survives names that mean something to JavaScript', () => {
    const json: unknown = JSON.parse(
      '{"mcpServers":{"__proto__":{"command":"x"},"constructor":{"command":"y","env":{"__proto__":"z"}}}}',
    )
    const { servers } = importClientServers(json, source)
    expect(Object.keys(servers)).toEqual(['proto', 'constructor'])
  })

  it('gives definitions that load as they are', () => {
    const { servers, variables } = serversOf({
      a: { command: 'x', args: ['a: b # c', '${V}', 'cost: 5$ ${'], env: { N: '012', T: 'true' } },
      b: { url: 'https://${env:HOST}/sse', headers: { 'x-a': '*b' } },
    })
    const env = Object.fromEntries(variables.map((name) => [name, `value-of-${name.toLowerCase()}`]))
    const config = loadConfig({ path: null, text: stringify({ servers }), env })
    expect(config.servers.map(({ transport }) => transport)).toMatchObject([
      { kind: 'stdio', args: ['a: b # c', 'value-of-v', 'cost: 5$ ${'], env: { N: '012', T: 'true' } },
      { kind: 'sse', url: 'https://value-of-host/sse', headers: { 'x-a': '*b' } },
    ])
  })
})
