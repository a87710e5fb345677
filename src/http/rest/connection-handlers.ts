import type { connectionOperations } from '#contract/connection-operations.ts'
import { ConnectionQuery, ConnectionsQuery } from '#contract/connection.ts'
import type { TargetWords } from '#control/connections/connection-target.ts'
import type { ConnectionsControl } from '#control/connections/connections.ts'
import type { Handler, RestRequest } from './handler.ts'
import { parseQuery } from './parse-query.ts'

type ConnectionOperationId = (typeof connectionOperations)[number]['id']

export function connectionHandlers(connections: ConnectionsControl): Record<ConnectionOperationId, Handler> {
  return {
    listConnections: async ({ caller, query }) => ({
      body: { items: await connections.list(caller, parseQuery(ConnectionsQuery, query)) },
    }),
    getConnection: async (request) => ({ body: connections.get(request.caller, wordsOf(request)) }),
    setConnectionKey: async (request) => ({
      body: await connections.setKey(request.caller, { words: wordsOf(request), body: request.body }),
    }),
    setConnectionVariables: async (request) => ({
      body: await connections.setVariables(request.caller, { words: wordsOf(request), body: request.body }),
    }),
    endConnection: async (request) => ({ body: await connections.revoke(request.caller, wordsOf(request)) }),
  }
}

function wordsOf({ ref, query }: RestRequest): TargetWords {
  return { server: ref, ...parseQuery(ConnectionQuery, query) }
}
