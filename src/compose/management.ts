/** The management API, made when somebody first asks for it: most gateways of a developer's never are. */
import type { RestApi, RestOptions } from '#http/rest/rest.ts'
import type { AgentSessions } from './agent-sessions.ts'
import type { Connections } from './connections.ts'
import { madeWhenAsked, type Site } from './made-when-asked.ts'

export type ManagementOptions = Omit<RestOptions, 'agentSessions' | 'connections'> & {
  agents: Pick<AgentSessions, 'control'>
  connecting: Pick<Connections, 'control'>
}

export type Management = AsyncDisposable & Site

export function createManagement(options: ManagementOptions): Management {
  const site = madeWhenAsked(() => make(options), options.onError)
  return {
    handle: (req, res) => site.handle(req, res),
    async [Symbol.asyncDispose]() {
      const api = await site.made()
      await api?.close()
    },
  }
}

async function make(options: ManagementOptions): Promise<RestApi> {
  const { createRestApi } = await import('#http/rest/rest.ts')
  const [agentSessions, connections] = await Promise.all([options.agents.control(), options.connecting.control()])
  return createRestApi({ ...options, agentSessions, connections })
}
