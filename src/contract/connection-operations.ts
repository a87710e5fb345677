/** The operations on connections. To connect an account is no operation: it begins and ends in a browser, at `connectUrl`. */
import { ConnectionQuery, ConnectionsQuery, SetKey, SetVariables } from './connection.ts'
import type { ErrorCode } from './errors.ts'
import type { Operation } from './operation.ts'

const errors: readonly ErrorCode[] = ['no_such_resource', 'forbidden', 'invalid_params']

export const connectionOperations = [
  {
    id: 'listConnections',
    method: 'GET',
    path: '/connections',
    tag: 'connections',
    summary: 'Which servers need an account, a key or values of your own, or of your teams, and the state of each',
    query: ConnectionsQuery,
    status: 200,
    errors: ['no_such_resource', 'invalid_params'],
  },
  {
    id: 'getConnection',
    method: 'GET',
    path: '/connections/{ref}',
    tag: 'connections',
    summary: 'The state of one, by the server’s name or id, and where its owner connects it',
    query: ConnectionQuery,
    status: 200,
    errors,
  },
  {
    id: 'setConnectionKey',
    method: 'PUT',
    path: '/connections/{ref}/key',
    tag: 'connections',
    summary: 'Give a key of your own; it is never shown again',
    query: ConnectionQuery,
    body: SetKey,
    status: 200,
    errors: [...errors, 'invalid_body', 'wrong_status'],
  },
  {
    id: 'setConnectionVariables',
    method: 'PUT',
    path: '/connections/{ref}/variables',
    tag: 'connections',
    summary: 'Give values of your own for the variables of the server; they are never shown again',
    query: ConnectionQuery,
    body: SetVariables,
    status: 200,
    errors: [...errors, 'invalid_body', 'wrong_status'],
  },
  {
    id: 'endConnection',
    method: 'DELETE',
    path: '/connections/{ref}',
    tag: 'connections',
    summary: 'Disconnect: nothing of what was given is kept, and the authorization server is told',
    query: ConnectionQuery,
    status: 200,
    errors,
  },
] as const satisfies readonly Operation[]
