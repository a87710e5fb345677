import { beforeEach, describe, expect, it } from 'vitest'
import type { StartedSession } from '#contract/session.ts'
import { resource } from '#test/support/resources.ts'
import { admin, helper, SessionWorld } from '#test/support/session-world.ts'

const hour = 3_600_000

let world: SessionWorld

beforeEach(() => {
  world = new SessionWorld()
})

describe('a session that is created', () => {
  it('hands the harness an address for each server, and one token for all of them', async () => {
    const { session, harness } = await world.start({ title: 'Fix it', prompt: 'Please.' })
    const token = harness.mcp_servers[0]?.auth_token
    expect(harness).toEqual({
      agent_id: 'agt_helper',
      platform_session_id: session.id,
      title: 'Fix it',
      prompt: 'Please.',
      model: 'large',
      instructions: 'Help.',
      mcp_servers: ['git', 'files'].map((name) => ({
        name,
        url: `https://gate.example/sessions/${session.id}/mcp/${name}`,
        transport: 'http',
        auth_token: token,
      })),
    })
    expect(world.claimsOf(token)).toMatchObject({
      purpose: 'mcp-session',
      agent_id: 'agt_helper',
      session_id: session.id,
      run: 1,
      servers: ['srv_git', 'srv_files'],
      scope: ['mcp'],
    })
  })

  it('is stored, known to this replica at once, and told to the others', async () => {
    const { session } = await world.start({ title: 'Fix it', details: { task: '7' }, lifetimeMs: hour })
    expect(session).toEqual({
      id: session.id,
      agentId: 'agt_helper',
      agentName: 'helper',
      status: 'creating',
      run: 1,
      title: 'Fix it',
      details: { task: '7' },
      failureReason: null,
      createdAt: world.clock.now(),
      createdBy: 'tok_platform',
      readyAt: null,
      expiresAt: world.clock.now() + hour,
      endedAt: null,
    })
    expect(await world.control.get(admin, session.id)).toEqual(session)
    expect(world.known.get(session.id)).toMatchObject({ status: 'creating', version: 1 })
    expect(world.announced).toBe(1)
  })

  it('keeps neither prompt nor token', async () => {
    const { session, harness, refreshToken } = await world.start({ prompt: 'canary-prompt' })
    const kept = JSON.stringify([
      await world.sessions.get(session.id),
      await world.sessions.events(session.id, 10),
      world.known.get(session.id),
      world.changes,
    ])
    for (const secret of ['canary-prompt', harness.mcp_servers[0]?.auth_token, refreshToken])
      expect(kept).not.toContain(secret)
  })

  it('gives a token that lives as long as the session, and 24 hours at most', async () => {
    const short = await world.start({ lifetimeMs: hour })
    const long = await world.start({ lifetimeMs: 100 * hour })
    const lives = [short, long].map(({ harness }) => world.claimsOf(harness.mcp_servers[0]?.auth_token))
    expect(lives.map(({ exp, iat }) => exp - iat)).toEqual([3_600, 86_400])
  })

  it('has no server, no token and no warning where its agent names none', async () => {
    world.put(resource('agent', 'idle'))
    const { harness, refreshToken, warnings, config } = await world.control.create(admin, { agent: 'idle' })
    expect({ specs: harness.mcp_servers, refreshToken, warnings, config }).toEqual({
      specs: [],
      refreshToken: null,
      warnings: [],
      config: null,
    })
  })
})

describe('the servers of a session', () => {
  /** Each way to a run: what is resolved must be the same on all of them. */
  const ways: readonly [string, (before: () => void) => Promise<StartedSession>][] = [
    ['create', async (before) => (before(), world.start())],
    [
      'restart',
      async (before) => {
        const { session } = await world.start()
        before()
        return world.control.restart(admin, session.id, {})
      },
    ],
    [
      'recover',
      async (before) => {
        const { session } = await world.start()
        before()
        return world.control.recover(admin, session.id, {})
      },
    ],
  ]

  describe.each(ways)('at a %s', (_way, go) => {
    const specs = async (before: () => void = () => undefined) => {
      const { harness, warnings, refreshToken } = await go(before)
      return {
        names: harness.mcp_servers.map(({ name }) => name),
        claimed: harness.mcp_servers[0] ? world.claimsOf(harness.mcp_servers[0].auth_token).servers : [],
        warnings: warnings.map(({ warning, subject }) => [warning, subject]),
        hasRefreshToken: refreshToken !== null,
      }
    }

    it('are all that its agent names', async () => {
      expect(await specs()).toEqual({
        names: ['git', 'files'],
        claimed: ['srv_git', 'srv_files'],
        warnings: [],
        hasRefreshToken: true,
      })
    })

    it('come under the names that they have now', async () => {
      expect((await specs(() => world.put({ ...resource('server', 'vcs'), id: 'srv_git' }))).names).toEqual([
        'vcs',
        'files',
      ])
    })

    it.each<[string, () => void, [string, string | undefined]]>([
      ['is gone', () => world.drop('server', 'srv_git'), ['unknown_server', 'srv_git']],
      [
        'is not enabled',
        () => world.put(resource('server', 'git', { isEnabled: false })),
        ['server_not_enabled', 'srv_git'],
      ],
      [
        'shares its name with another',
        () => world.put(resource('server', 'other', { aliases: ['git'] })),
        ['server_ambiguous', 'srv_git'],
      ],
      [
        'has no tool in the agent’s toolset',
        () =>
          world.put(
            resource('toolset', 'few', { tools: [{ server: 'srv_files', tool: 'read' }] }),
            helper({ toolset: 'tls_few' }),
          ),
        ['server_without_tools', 'srv_git'],
      ],
    ])('lack one that %s, with a warning', async (_what, before, warning) => {
      expect(await specs(before)).toEqual({
        names: ['files'],
        claimed: ['srv_files'],
        warnings: [warning],
        hasRefreshToken: true,
      })
    })

    it.each<[string, () => void, [string, string | undefined]]>([
      ['the toolset is gone', () => world.put(helper({ toolset: 'tls_gone' })), ['unknown_toolset', 'tls_gone']],
      ['nobody knows the gateway’s address', () => void (world.base = null), ['address_unknown', undefined]],
      ['what is known is too old', () => void (world.isCurrent = false), ['servers_unavailable', undefined]],
    ])('are none where %s, with a warning, and the session starts all the same', async (_what, before, warning) => {
      expect(await specs(before)).toEqual({ names: [], claimed: [], warnings: [warning], hasRefreshToken: false })
    })

    it('are told of in the session’s events', async () => {
      const { session, warnings } = await go(() => world.drop('server', 'srv_git'))
      const events = await world.control.events(admin, session.id)
      expect(events.at(-1)).toEqual(warnings[0])
      expect(warnings[0]).toEqual({
        at: world.clock.now(),
        kind: 'warning',
        warning: 'unknown_server',
        subject: 'srv_git',
        by: 'system',
      })
    })
  })
})

describe('a harness’s configuration', () => {
  it('is the SDK’s mcpServers for the Claude Agent SDK', async () => {
    const { session, config, harness } = await world.start()
    const Authorization = `Bearer ${harness.mcp_servers[0]?.auth_token}`
    const entry = (name: string) => ({
      type: 'http',
      url: `https://gate.example/sessions/${session.id}/mcp/${name}`,
      headers: { Authorization },
    })
    expect(config).toEqual({ mcpServers: { git: entry('git'), files: entry('files') } })
  })

  it('is a local shim for opencode, with no token anywhere in it', async () => {
    world.put(helper({ harness: 'opencode', servers: [{ server: 'srv_git' }] }))
    const { session, config, harness } = await world.start()
    expect(config).toEqual({
      mcp: {
        git: {
          type: 'local',
          command: ['toolgate', 'session-shim', '--session', session.id, '--server', 'git'],
          enabled: true,
        },
      },
    })
    expect(JSON.stringify(config)).not.toContain(harness.mcp_servers[0]?.auth_token)
  })

  it('is left to the platform for other harnesses', async () => {
    world.put(helper({ harness: 'other', servers: [{ server: 'srv_git' }] }))
    expect((await world.start()).config).toBeNull()
  })
})
