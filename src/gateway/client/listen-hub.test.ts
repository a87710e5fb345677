import { describe, expect, it } from 'vitest'
import type { RpcNotification } from '#core/protocol/json-rpc.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { channelUpstream, policy, principal, server } from '#test/support/upstreams.ts'
import { nobodysHolder } from '#test/support/leases.ts'
import { ListenHub, ListenStream, type ListenStreamOptions } from './listen-hub.ts'

const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId'

const clock = new FakeClock()
const aggregateOf = (...names: string[]): Endpoint => ({
  key: `aggregate:${names.join(',')}`,
  kind: 'aggregate',
  upstreams: names.map((name) => channelUpstream(server(name), { clock })),
})

function stream(wish: Partial<ListenStreamOptions['wish']> = {}, more: Partial<ListenStreamOptions> = {}) {
  const heard: RpcNotification[] = []
  const ends: string[] = []
  const listener = new ListenStream({
    principal: principal('ann'),
    address: { scope: 'servers', names: null, narrowing: null },
    endpoint: aggregateOf(),
    id: 9,
    capabilities: {},
    wish: { kinds: new Set(['tools'] as const), resources: new Map(), tasks: new Map(), ...wish },
    taskOwners: new TaskOwners(),
    send: (note) => heard.push(note),
    onEnd: () => void ends.push('ended'),
    ...more,
  })
  return { listener, heard, ends }
}

describe('ListenStream', () => {
  it('carries the changes that were wished for, stamped with the id of the subscription', () => {
    const { listener, heard } = stream()
    listener.listChanged('files', 'tools')
    listener.listChanged('files', 'prompts')
    expect(heard).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/tools/list_changed',
        params: { _meta: { [subscriptionIdKey]: 9 } },
      },
    ])
  })

  it('carries updates of the wished resources under the client’s own URIs, and keeps what else they say', () => {
    const { listener, heard } = stream({ resources: new Map([['files', new Map([['file:///a', 'tg+file:///a']])]]) })
    const note = {
      jsonrpc: '2.0' as const,
      method: 'notifications/resources/updated',
      params: { uri: 'file:///a', title: 'A', _meta: { own: 1 } },
    }
    listener.resourceUpdated('files', 'file:///a', note)
    listener.resourceUpdated('files', 'file:///b', note)
    listener.resourceUpdated('other', 'file:///a', note)
    expect(heard.map(({ params }) => params)).toEqual([
      { uri: 'tg+file:///a', title: 'A', _meta: { own: 1, [subscriptionIdKey]: 9 } },
    ])
    expect([...listener.watchedResources('files')]).toEqual(['file:///a'])
    expect([...listener.watchedResources('other')]).toEqual([])
  })

  it('carries no more updates from a server that the client may read from no longer', () => {
    const { listener, heard } = stream({ resources: new Map([['files', new Map([['a:b', 'tg+a:b']])]]) })
    listener.principal = principal('ann', [
      policy('a tool only', { rules: [{ server: 'files', tool: 'one', level: 'execute' }] }),
    ])
    listener.resourceUpdated('files', 'a:b', { jsonrpc: '2.0', method: 'notifications/resources/updated' })
    expect(heard).toEqual([])
    expect([...listener.watchedResources('files')]).toEqual([])
  })

  it('carries no log messages and nothing else, and is never asked', () => {
    const { listener, heard } = stream()
    listener.logged()
    listener.other('files', { jsonrpc: '2.0', method: 'notifications/vendor/x' })
    expect(heard).toEqual([])
    expect(listener.ask).toBeNull()
  })

  it('carries the states of the tasks that were wished for, under the ids that they were wished by, while they are the listener’s', () => {
    const taskOwners = new TaskOwners()
    const task = { principalId: 'ann', server: 'files', tool: 'slow' }
    taskOwners.add({ ...task, taskId: 't' })
    taskOwners.add({ ...task, taskId: 'unwished' })
    const { listener, heard } = stream({ tasks: new Map([['files', new Map([['t', 'files:t']])]]) }, { taskOwners })
    const status = (taskId: string): RpcNotification => ({
      jsonrpc: '2.0',
      method: 'notifications/tasks',
      params: { taskId, status: 'working' },
    })
    expect([...listener.followedTasks('files'), ...listener.followedTasks('other')]).toEqual(['t'])
    listener.other('files', status('t'))
    listener.other('files', status('unwished'))
    listener.other('other', status('t'))
    expect(heard).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/tasks',
        params: { taskId: 'files:t', status: 'working', _meta: { [subscriptionIdKey]: 9 } },
      },
    ])
    listener.principal = principal('ann', [])
    listener.other('files', status('t'))
    expect([heard.length, listener.followedTasks('files').length]).toEqual([1, 0])
  })
})

describe('a ListenStream whose servers change', () => {
  it('leaves those that are gone, and joins those that are new', async () => {
    const [old, next] = [aggregateOf('files', 'git'), aggregateOf('files')]
    const { listener } = stream({}, { endpoint: old })
    listener.refreshPlaces()
    const user = { principalId: 'ann', holder: nobodysHolder, sessionId: null, capabilities: {} }
    const placesOf = ({ upstreams }: Endpoint) => upstreams.map((upstream) => upstream.place(user))
    await settled()
    expect(placesOf(old).map(({ peers }) => peers.size)).toEqual([1, 1])
    listener.endpoint = next
    listener.refreshPlaces()
    await settled()
    expect(placesOf(old).map(({ peers }) => peers.size)).toEqual([0, 0])
    expect(placesOf(next).map(({ peers }) => peers.size)).toEqual([1])
    listener.end()
    expect(placesOf(next).map(({ peers }) => peers.size)).toEqual([0])
  })

  it('ends once', () => {
    const { listener, ends } = stream()
    listener.retire()
    listener.end()
    expect(ends).toEqual(['ended'])
  })
})

describe('ListenHub', () => {
  it('tells who looks at a server and may reach it, and no longer than they look', () => {
    const hub = new ListenHub()
    const denied = principal('bob', [policy('none')])
    const files = stream({}, { endpoint: aggregateOf('files') })
    const other = stream({}, { endpoint: aggregateOf('other') })
    const bob = stream({}, { endpoint: aggregateOf('files'), principal: denied })
    const forget = hub.add(files.listener)
    hub.add(other.listener)
    hub.add(bob.listener)
    hub.listChanged('files', 'tools')
    expect([files, other, bob].map(({ heard }) => heard.length)).toEqual([1, 0, 0])
    forget()
    hub.listChanged('files', 'tools')
    expect(files.heard).toHaveLength(1)
    expect([...hub]).toEqual([other.listener, bob.listener])
  })
})
