/** Whatever opens a session beside a call: a credential that is refused there is renewed as it is for calls. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '#core/identity/principal.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { ListenStream } from '#gateway/client/listen-hub.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import { describeEndpoint } from '#gateway/methods/describe.ts'
import { fetchOwnTasks } from '#gateway/tasks/own-tasks.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { FakeCredential } from '#test/support/fake-credential.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { limits, principal, server, upstream, user } from '#test/support/upstreams.ts'
import type { SessionUser } from './session-user.ts'
import type { Upstream } from './upstream.ts'

const ann: SessionUser = user('ann', {}, { userId: 'ann', teamId: null })
const token = { digest: '', userId: 'ann', teamId: null, projectId: null, endpoints: null, limits: null }
const asAnn: Principal = { ...principal('ann'), token }
const transport = { kind: 'streamable_http', url: 'http://a.example/mcp', credential: { kind: 'none' } } as const
const capabilities = { tools: {}, resources: {}, tasks: { list: {} } }

let credential: FakeCredential
let wire: FakeHttpWire
let files: Upstream
/** Methods that the server refuses with the token of before. */
let refused: Set<string>

const bearersOf = (method: string): (string | undefined)[] => wire.of(method).map((one) => one.header('authorization'))

function answer(one: FakeExchange): void {
  const method = String(one.body['method'])
  const isOld = one.header('authorization') === 'Bearer one'
  if (isOld && refused.has(method)) return one.empty(401)
  const tasks = [{ taskId: 't1' }, { taskId: 'of another' }]
  legacyHttpScript(capabilities, { 'tasks/list': (listed) => listed.result({ tasks }) })(one)
}

function endpoint(kind: 'single' | 'aggregate'): Endpoint {
  return { key: kind, kind, upstreams: [files] }
}

beforeEach(() => {
  credential = new FakeCredential()
  credential.connect('ann', 'one')
  refused = new Set(['initialize'])
  wire = new FakeHttpWire(answer)
  const wires = { kind: 'http' as const, http: wire, sse: new FakeChannelWire() }
  files = upstream(server('files', { transport, isolation: 'principal' }), {
    clock: new FakeClock(),
    wires,
    credential,
  })
})

describe('a credential that is refused', () => {
  it.each(['single', 'aggregate'] as const)('is renewed for what an endpoint says of itself (%s)', async (kind) => {
    const context = { clock: new FakeClock(), limits: limits(), serverInfo: {} }
    const said = await describeEndpoint(endpoint(kind), { principal: asAnn, user: ann }, context)
    expect(said.capabilities).toHaveProperty('resources')
    expect(bearersOf('initialize')).toEqual(['Bearer one', 'Bearer renewed-1'])
  })

  it('is renewed for who only listens', async () => {
    const listener = new ListenStream({
      principal: asAnn,
      address: { scope: 'servers', names: null, narrowing: null },
      endpoint: endpoint('aggregate'),
      id: 1,
      capabilities: {},
      wish: { kinds: new Set(['tools'] as const), resources: new Map(), tasks: new Map() },
      taskOwners: new TaskOwners(),
      send: () => undefined,
      onEnd: () => undefined,
    })
    listener.refreshPlaces()
    await settled()
    expect(bearersOf('initialize')).toEqual(['Bearer one', 'Bearer renewed-1'])
    expect(files.place(ann).peers.has(listener)).toBe(true)
  })

  const tasksOfAnn = (cancellation = new Cancellation()): Promise<JsonObject[]> =>
    fetchOwnTasks(new Set(['t1']), { placeOf: () => files.place(ann), cancellation, owner: 'ann' })

  it.each(['initialize', 'tasks/list'])('is renewed for a list of tasks, where %s is refused', async (method) => {
    refused = new Set([method])
    expect(await tasksOfAnn()).toEqual([{ taskId: 't1' }])
    expect(bearersOf('tasks/list').at(-1)).toBe('Bearer renewed-1')
  })

  it('is told of, where a list of tasks is refused with the renewed one as well', async () => {
    wire.script = (one) => (one.body['method'] === 'tasks/list' ? one.empty(401) : answer(one))
    refused.clear()
    expect(await failureOf(tasksOfAnn())).toMatchObject({ code: 'credential_required' })
    expect(credential.refusals.map(({ isLast }) => isLast)).toEqual([false, true])
  })

  it('keeps nobody waiting for a list of tasks who has given up', async () => {
    wire.script = () => undefined
    const cancellation = new Cancellation()
    const asked = tasksOfAnn(cancellation)
    cancellation.cancel()
    expect(await failureOf(asked)).toMatchObject({ code: 'upstream_timeout' })
  })
})
