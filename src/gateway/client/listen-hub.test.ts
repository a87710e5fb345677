import { describe, expect, it } from 'vitest'
import type { RpcNotification } from '#core/protocol/json-rpc.ts'
import { ListenHub, ListenStream } from './listen-hub.ts'

const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId'

function stream(wish: Partial<ConstructorParameters<typeof ListenStream>[0]['wish']> = {}) {
  const heard: RpcNotification[] = []
  const listener = new ListenStream({
    principalId: 'ann',
    id: 9,
    wish: { kinds: new Set(['tools'] as const), resources: new Map(), ...wish },
    send: (note) => heard.push(note),
  })
  return { listener, heard }
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

  it('carries no log messages and nothing else, and is never asked', () => {
    const { listener, heard } = stream()
    listener.logged()
    listener.other()
    expect(heard).toEqual([])
    expect(listener.ask).toBeNull()
  })
})

describe('ListenHub', () => {
  it('tells who looks at a server, and no longer than they look', () => {
    const hub = new ListenHub()
    const [files, other] = [stream(), stream()]
    const forget = hub.add(files.listener, (server) => server === 'files')
    hub.add(other.listener, (server) => server === 'other')
    hub.listChanged('files', 'tools')
    expect([files.heard.length, other.heard.length]).toEqual([1, 0])
    forget()
    hub.listChanged('files', 'tools')
    expect(files.heard).toHaveLength(1)
    expect(hub.size).toBe(1)
  })
})
