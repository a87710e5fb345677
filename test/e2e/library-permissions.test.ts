/** What a PermissionManager refuses costs the server nothing: the upstream counts what reaches it. */
import { createHash } from 'node:crypto'
import {
  AuthorizationError,
  createGateway,
  PermissionLevel,
  PermissionManager,
  PermissionPolicy,
  PermissionRule,
  RateLimitExceededError,
  type Gateway,
} from 'toolgate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { plant } from '../support/planted.ts'
import { textResult, tool } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'

let open: AsyncDisposableStack
let upstream: RawUpstream
let permissions: PermissionManager
let gateway: Gateway

beforeEach(async () => {
  open = new AsyncDisposableStack()
  upstream = open.use(
    await startRawUpstream(['legacy'], {
      capabilities: { tools: {}, prompts: {}, resources: {} },
      handlers: {
        'tools/list': () => ({ tools: ['read_file', 'write_file', 'delete_file'].map((name) => tool(name)) }),
        'tools/call': ({ params }) => textResult(`did ${String(params['name'])}`),
        'prompts/list': () => ({ prompts: [{ name: 'greet' }] }),
        'prompts/get': () => ({ messages: [] }),
        'resources/list': () => ({ resources: [{ uri: 'demo://one', name: 'one' }] }),
        'resources/read': () => ({ contents: [] }),
      },
    }),
  )
  permissions = new PermissionManager()
  gateway = open.use(createGateway({ permissions }))
  await gateway.registerServer({ name: 'filesystem', url: upstream.url })
  gateway.addAlias('fs', 'filesystem')
})

afterEach(() => open.disposeAsync())

const namesOf = (tools: readonly { name: string }[]): string[] => tools.map(({ name }) => name)

const events = async (): Promise<string[]> =>
  (await gateway.auditLog.list({ limit: 100 })).map(
    (event) => `${event.method} ${event.target} ${event.effect} ${event.outcome}`,
  )

describe('a gateway with a PermissionManager as constructed', () => {
  it('refuses every list and call, under every name, and asks the server nothing', async () => {
    const attempts = ['filesystem', 'fs'].flatMap((name) => [
      gateway.callTool(name, 'read_file'),
      gateway.listTools(name),
      gateway.listPrompts(name),
      gateway.listResources(name),
      gateway.getPrompt(name, 'greet'),
      gateway.readResource(name, 'demo://one'),
      gateway.connect(name),
      gateway.callPrefixedTool(`mcp_${name}__read_file`),
    ])
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({ status: 'rejected', reason: expect.any(AuthorizationError) })
    }
    expect(await gateway.getOpenAITools()).toEqual([])
    expect((await gateway.listAllTools()).get('filesystem')).toMatchObject({ error: expect.any(AuthorizationError) })
    expect(upstream.seen).toEqual([])
  })

  it('records what it refuses', async () => {
    await expect(gateway.callTool('fs', 'read_file')).rejects.toMatchObject({ server: 'filesystem', tool: 'read_file' })
    expect(await gateway.auditLog.list({ limit: 1 })).toMatchObject([
      {
        kind: 'call',
        method: 'tools/call',
        server: 'filesystem',
        target: 'read_file',
        effect: 'deny',
        reason: 'default of policy default',
        outcome: 'forbidden',
      },
    ])
  })
})

describe('policies', () => {
  const reader = {
    name: 'reader',
    rules: [new PermissionRule('filesystem', 'read_file', PermissionLevel.Execute)],
  }

  it('let a key call the tool that a rule names, and see no other', async () => {
    permissions.setKeyPolicy('key-1', reader)
    const key = 'key-1'
    expect((await gateway.callTool('filesystem', 'read_file', {}, { key })).content[0]).toMatchObject({
      text: 'did read_file',
    })
    expect(namesOf(await gateway.listTools('fs', { key }))).toEqual(['read_file'])
    expect((await gateway.getAnthropicTools({ key })).map(({ name }) => name)).toEqual(['mcp_filesystem__read_file'])
    const before = upstream.seen.length
    await expect(gateway.callTool('fs', 'write_file', {}, { key })).rejects.toBeInstanceOf(AuthorizationError)
    await expect(gateway.callPrefixedTool('mcp_filesystem__write_file', {}, { key })).rejects.toBeInstanceOf(
      AuthorizationError,
    )
    await expect(gateway.callTool('fs', 'read_file', {}, { key: 'key-2' })).rejects.toBeInstanceOf(AuthorizationError)
    await expect(gateway.readResource('fs', 'demo://one', { key })).rejects.toBeInstanceOf(AuthorizationError)
    expect(upstream.seen).toHaveLength(before)
  })

  it('let a caller with read see what it may not call', async () => {
    permissions.setDefaultLevel(PermissionLevel.Read)
    expect(namesOf(await gateway.listTools('filesystem'))).toEqual(['read_file', 'write_file', 'delete_file'])
    expect(await gateway.readResource('filesystem', 'demo://one')).toEqual({ contents: [] })
    await expect(gateway.callTool('filesystem', 'read_file')).rejects.toBeInstanceOf(AuthorizationError)
    expect(upstream.count('tools/call')).toBe(0)
  })

  it('are not escaped by an alias, for no alias is a name to them', async () => {
    permissions.setKeyPolicy('k', {
      name: 'no fs',
      defaultLevel: PermissionLevel.Execute,
      deniedServers: ['filesystem'],
    })
    permissions.setKeyPolicy('a', { name: 'alias', rules: [new PermissionRule('fs', PermissionLevel.Execute)] })
    for (const key of ['k', 'a']) {
      await expect(gateway.callTool('fs', 'read_file', {}, { key })).rejects.toBeInstanceOf(AuthorizationError)
    }
    expect(upstream.seen).toEqual([])
  })

  it('of team and organisation take away what a key was given', async () => {
    permissions.setKeyPolicy('k', PermissionPolicy.allowAll())
    permissions.setOrgPolicy('acme', {
      name: 'acme',
      rules: [new PermissionRule('*', 'delete_*', PermissionLevel.Deny)],
    })
    const caller = { key: 'k', team: 'any', org: 'acme' }
    await gateway.callTool('fs', 'write_file', {}, caller)
    await expect(gateway.callTool('fs', 'delete_file', {}, caller)).rejects.toBeInstanceOf(AuthorizationError)
    expect(namesOf(await gateway.listTools('fs', caller))).toEqual(['read_file', 'write_file'])
    expect(upstream.count('tools/call')).toBe(1)
  })

  it('take effect at the next call', async () => {
    permissions.setKeyPolicy('k', PermissionPolicy.allowAll())
    await gateway.callTool('fs', 'read_file', {}, { key: 'k' })
    permissions.setKeyPolicy('k', null)
    await expect(gateway.callTool('fs', 'read_file', {}, { key: 'k' })).rejects.toBeInstanceOf(AuthorizationError)
    expect(upstream.count('tools/call')).toBe(1)
  })

  it('limit how often a caller calls, each caller alone', async () => {
    permissions.setDefaultPolicy({ ...PermissionPolicy.allowAll(), rateLimitRpm: 2 })
    for (const key of ['a', 'b']) {
      await gateway.callTool('fs', 'read_file', {}, { key })
      await gateway.callTool('fs', 'read_file', {}, { key })
      const third = gateway.callTool('fs', 'read_file', {}, { key })
      await expect(third).rejects.toBeInstanceOf(RateLimitExceededError)
      await expect(third).rejects.toMatchObject({
        server: 'filesystem',
        isRetryable: true,
        retryAfterMs: expect.any(Number),
      })
    }
    expect(upstream.count('tools/call')).toBe(4)
    expect(await events()).toContain('tools/call read_file deny rate_limited')
    expect(await gateway.listTools('fs', { key: 'a' })).toHaveLength(3)
  })

  it('give each caller an upstream session of its own', async () => {
    permissions.setDefaultPolicy(PermissionPolicy.allowAll())
    for (const key of ['a', 'b', 'a', 'b']) await gateway.callTool('fs', 'read_file', {}, { key })
    const sessions = upstream.seen
      .filter(({ method }) => method === 'tools/call')
      .map(({ headers }) => headers['mcp-session-id'])
    expect([sessions[0], sessions[1]]).toEqual([sessions[2], sessions[3]])
    expect(new Set(sessions).size).toBe(2)
  })

  it('leave no trace of a key in the audit, in errors, or upstream', async () => {
    const key = plant('key')
    permissions.setKeyPolicy(key, reader)
    await gateway.callTool('fs', 'read_file', {}, { key })
    const error: unknown = await gateway.callTool('fs', 'write_file', {}, { key }).catch((reason: unknown) => reason)
    const [refused, called] = await gateway.auditLog.list({ limit: 2 })
    expect(refused?.tokenId).toMatch(/^key:[0-9a-f]{16}$/)
    expect(called?.tokenId).toBe(refused?.tokenId)
    const traces = JSON.stringify([await gateway.auditLog.list({ limit: 100 }), upstream.seen, String(error)])
    expect(traces).not.toContain(key)
  })

  it('give a log of the program’s own what arguments hash to, and never the arguments', async () => {
    const taken: unknown[][] = []
    const auditLog = {
      append: (...given: unknown[]) => void taken.push(given),
      flush: async () => undefined,
      dropped: () => 0,
      droppedRefusals: () => 0,
      list: async () => [],
      close: async () => undefined,
    }
    await using own = createGateway({ auditLog })
    await own.registerServer({ name: 'filesystem', url: upstream.url })
    await own.callTool('filesystem', 'read_file', { path: 'canary' })
    const [event, ...more] = taken.find(([one]) => (one as { method: string }).method === 'tools/call') ?? []
    expect(more).toEqual([])
    expect(event).toMatchObject({
      principalKind: 'library',
      target: 'read_file',
      argumentsDigest: createHash('sha256').update('{"path":"canary"}').digest('hex'),
      arguments: '',
      result: '',
    })
    expect(JSON.stringify(taken)).not.toContain('canary')
  })
})
