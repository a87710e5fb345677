import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Policy } from '#contract/policy.ts'
import { decideCall } from '#core/access/decide.ts'
import { partsOf } from '#core/access/composition.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { newestLegacyRevision } from '#core/protocol/revisions.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { Catalog } from '#gateway/catalog/catalog.ts'
import { Views } from '#gateway/catalog/views.ts'
import { ListenHub } from '#gateway/client/listen-hub.ts'
import { Registry } from '#gateway/endpoint.ts'
import type { CallFacts } from '#gateway/record.ts'
import { ParkedCalls } from '#gateway/relay/parked-calls.ts'
import { RequestStates } from '#gateway/relay/request-states.ts'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemoryTaskRecords } from '#adapters/memory/task-records.ts'
import { SharedTasks } from '#gateway/tasks/shared-tasks.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { anyArguments, anyPolicies } from '#test/support/access-arbitraries.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript } from '#test/support/fake-channel.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { channelUpstream, limits, principal, server } from '#test/support/upstreams.ts'
import { callTool } from './calls.ts'
import type { MethodContext, Run } from './method-context.ts'

let wires: Map<string, FakeChannelWire>
let context: MethodContext

/** Each with the tools `a`, `b` and `ab`, which answer with what they were called with. */
function start(definitions: Record<string, { aliases?: string[]; labels?: string[] }>): void {
  const clock = new FakeClock()
  const hash = (text: string) => Buffer.from(text).toString('hex').padEnd(64, '0')
  const randomId = (prefix: string) => `${prefix}_1`
  wires = new Map()
  const registry = new Registry(
    Object.entries(definitions).map(([name, more]) => {
      const wire = new FakeChannelWire(
        legacyScript(
          { tools: {} },
          {
            'tools/list': () => ({
              tools: ['a', 'b', 'ab'].map((tool) => ({ name: tool, inputSchema: { type: 'object' } })),
            }),
            'tools/call': (params) => ({ content: [], structuredContent: { server: name, ...params } }),
          },
        ),
      )
      wires.set(name, wire)
      return channelUpstream(server(name, more), { clock, wire })
    }),
  )
  const catalog = new Catalog({ clock, limits: limits(), clientInfo: { name: 'toolgate' } })
  const parked = new ParkedCalls({ clock, randomId, parkedCallsMax: 10, parkedCallMs: 1_000 })
  const tasks = new TaskOwners()
  context = {
    registry: () => registry,
    views: new Views({ clock, catalog, separator: '__', listingTimeoutMs: 1_000, hash }),
    clock,
    limits: limits(),
    separator: '__',
    forward: {
      clock,
      parked,
      hash,
      randomId,
      requestStates: new RequestStates({ hash, randomId }),
      parkedElsewhere: { resume: () => null },
      lists: catalog,
    },
    hub: new ListenHub(),
    tasks,
    sharedTasks: new SharedTasks({
      records: createMemoryTaskRecords({ clock }),
      bus: createMemoryBus(),
      clock,
      owners: tasks,
      replicaId: 'replica_1',
    }),
    tasksElsewhere: { ask: () => Promise.resolve(null), list: () => Promise.resolve(null) },
    serverInfo: {},
  }
}

type Asked = { policies: readonly Policy[]; at: string | null; name: string; args?: unknown }

function toRun({ policies, at, name, args }: Asked): Run {
  const registry = context.registry()
  const params: JsonObject = { name, arguments: args }
  const facts: CallFacts = { server: '', target: '', effect: 'allow', reason: '', credential: '', sentAt: 0 }
  const call: Run['call'] = {
    principal: principal('ann', policies),
    endpoint: at === null ? registry.all() : registry.named(at),
    address: { scope: 'servers', names: at, narrowing: null },
    era: 'legacy',
    revision: newestLegacyRevision,
    facts: { capabilities: {}, info: undefined, logLevel: undefined },
    session: null,
    message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    large: null,
    headers: null,
    reply: { notify: () => undefined, ask: null },
    sink: null,
    cancellation: new Cancellation(),
    requestId: 'r',
    receivedAt: 0,
  }
  return { call, facts, context }
}

const callsSeen = (): number =>
  [...wires.values()].flatMap(({ channels }) => channels).reduce((sum, channel) => sum + channel.count('tools/call'), 0)
const asyncCall = async (run: Run) => callTool(run)

const policy = (rules: unknown[], name = 'p'): Policy => Policy.parse({ name, rules })

describe('a call that arguments decide', () => {
  const transfer = policy([
    {
      server: 'bank',
      tool: 'a',
      level: 'execute',
      conditions: [{ path: '$.amount', lte: 100 }],
      allowedParams: ['amount', 'to'],
    },
    { server: 'bank', tool: 'b', level: 'execute' },
    { tool: 'b', level: 'deny', conditions: [{ path: '$.to', matches: 'XX*' }] },
  ])
  beforeEach(() => start({ bank: {}, shop: {} }))

  it('goes on where the rules allow them', async () => {
    const run = toRun({ policies: [transfer], at: 'bank', name: 'a', args: { amount: 100, to: 'XX1' } })
    expect(await asyncCall(run)).toMatchObject({
      result: { structuredContent: { server: 'bank', arguments: { amount: 100 } } },
    })
    expect(run.facts).toMatchObject({ effect: 'allow', reason: 'rule 0 of policy p' })
  })

  it.each([
    ['a', { amount: 101 }, 'default of policy p; rule 0 of policy p does not allow this $.amount'],
    ['a', { amount: 'CANARY' }, 'default of policy p; rule 0 of policy p does not allow this $.amount'],
    ['a', {}, 'default of policy p; rule 0 of policy p does not allow this $.amount'],
    ['a', undefined, 'default of policy p; rule 0 of policy p does not allow this $.amount'],
    ['a', 'CANARY', 'default of policy p; rule 0 of policy p does not allow this $.amount'],
    ['a', { amount: 1, note: 'CANARY' }, 'default of policy p; rule 0 of policy p does not allow this $.note'],
    ['a', { amount: 1, 'CANARY 1': 1 }, 'default of policy p; rule 0 of policy p does not allow this $.[hidden]'],
    ['b', { to: 'XXCANARY' }, 'rule 2 of policy p, for $.to'],
    ['b', { To: 'CANARY' }, 'rule 2 of policy p, for $.to'],
    ['b', {}, 'rule 2 of policy p, for $.to'],
  ])(
    '(%s with %j) is refused with the argument’s name and never its value, and reaches no server',
    async (name, args, reason) => {
      for (const [at, exposed] of [
        ['bank', name],
        [null, `bank__${name}`],
      ] as const) {
        const run = toRun({ policies: [transfer], at, name: exposed, args })
        const failure = await failureOf(asyncCall(run))
        expect(failure.code).toBe('forbidden')
        expect(failure.details).toEqual({ reason, needed: 'execute', level: 'deny' })
        expect(run.facts).toMatchObject({ server: 'bank', target: name, effect: 'deny', reason })
        expect(JSON.stringify([failure.details, run.facts])).not.toContain('CANARY')
      }
      expect(callsSeen()).toBe(0)
    },
  )
})

describe('an alias', () => {
  const servers = ['aa', 'ab', 'b'] as const
  const names = fc.record({
    server: fc.constantFrom(...servers),
    tool: fc.constantFrom('a', 'b', 'ab'),
    way: fc.constantFrom('name', 'alias', 'label', 'list', 'prefix', 'alias prefix', 'alias in a list'),
  })

  /** The same tool, asked for in one way or another. */
  function ask({ server, tool, way }: { server: string; tool: string; way: string }): Pick<Asked, 'at' | 'name'> {
    switch (way) {
      case 'name':
        return { at: server, name: tool }
      case 'alias':
        return { at: `x${server}`, name: tool }
      case 'label':
        return { at: 'all', name: `${server}__${tool}` }
      case 'list':
        return { at: servers.join(','), name: `x${server}__${tool}` }
      case 'prefix':
        return { at: null, name: `${server}__${tool}` }
      case 'alias prefix':
        return { at: null, name: `x${server}__${tool}` }
      default:
        return { at: `x${server},b`, name: `${server}__${tool}` }
    }
  }

  it('never leads past a policy, or to one: what is called is decided by the real name alone', async () => {
    await fc.assert(
      fc.asyncProperty(anyPolicies('p'), names, anyArguments, async (policies, asked, args) => {
        start(Object.fromEntries(servers.map((name) => [name, { aliases: [`x${name}`], labels: ['all'] }])))
        const decided = decideCall(partsOf(policies), { server: asked.server, tool: asked.tool, args })
        const isAllowed = decided.level === 'execute' || decided.level === 'admin'
        const answer = await asyncCall(toRun({ policies, ...ask(asked), args })).catch((error: unknown) => error)
        expect(callsSeen()).toBe(isAllowed ? 1 : 0)
        expect(answer instanceof Error).toBe(!isAllowed)
        const reached = [...wires].filter(([, { channels }]) =>
          channels.some((channel) => channel.count('tools/call') > 0),
        )
        expect(reached.map(([name]) => name)).toEqual(isAllowed ? [asked.server] : [])
      }),
      { numRuns: 500 },
    )
  })

  it('that policies name means nothing', async () => {
    start({ bank: { aliases: ['till'] } })
    const run = toRun({ policies: [policy([{ server: 'till', tool: '*', level: 'execute' }])], at: 'till', name: 'a' })
    expect((await failureOf(asyncCall(run))).code).toBe('tool_not_found')
    expect(callsSeen()).toBe(0)
  })
})
