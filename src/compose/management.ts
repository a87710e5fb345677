/** The management API, made when somebody first asks for it: most gateways of a developer's never are. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RestApi, RestOptions } from '#http/rest/rest.ts'
import type { AgentSessions } from './agent-sessions.ts'
import type { Connections } from './connections.ts'

export type ManagementOptions = Omit<RestOptions, 'agentSessions' | 'connections'> & {
  agents: Pick<AgentSessions, 'control'>
  connecting: Pick<Connections, 'control'>
}

export type Management = AsyncDisposable & {
  handle(req: IncomingMessage, res: ServerResponse): void
}

export function createManagement(options: ManagementOptions): Management {
  let making: Promise<RestApi> | undefined
  const make = async (): Promise<RestApi> => {
    const { createRestApi } = await import('#http/rest/rest.ts')
    const [agentSessions, connections] = await Promise.all([options.agents.control(), options.connecting.control()])
    return createRestApi({ ...options, agentSessions, connections })
  }
  return {
    handle(req, res) {
      making ??= make()
      making.then(
        (api) => api.handle(req, res),
        (error: unknown) => {
          options.onError(error, '')
          res.writeHead(500).end()
        },
      )
    },
    async [Symbol.asyncDispose]() {
      const api = await making?.catch(() => undefined)
      await api?.close()
    },
  }
}
