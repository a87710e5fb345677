/** What a legacy client says without asking. */
import { isRequestId, type RpcNotification } from '#core/protocol/json-rpc.ts'
import type { ClientSession } from './client-session.ts'

/** @returns whether it concerned what this replica has; false: another one may have it */
export function takeNote(session: ClientSession, note: RpcNotification): boolean {
  switch (note.method) {
    case 'notifications/cancelled': {
      const id = note.params?.['requestId']
      return isRequestId(id) && session.cancel(id)
    }
    case 'notifications/progress':
      return session.progressed(note)
    case 'notifications/roots/list_changed':
      session.tellUpstreams(note.method)
      return false
    case 'notifications/tasks/status':
      session.taskChanged(note)
      return false
    default:
      return true
  }
}
