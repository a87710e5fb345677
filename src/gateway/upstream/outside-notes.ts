/** Notifications that belong to no call. */
import type { RpcNotification } from '#core/protocol/json-rpc.ts'
import type { SessionEvents } from './upstream-session.ts'

export function dispatchOutsideNote(note: RpcNotification, events: SessionEvents): void {
  switch (note.method) {
    case 'notifications/tools/list_changed':
      return events.listChanged('tools')
    case 'notifications/prompts/list_changed':
      return events.listChanged('prompts')
    case 'notifications/resources/list_changed':
      return events.listChanged('resources')
    case 'notifications/resources/updated': {
      const uri = note.params?.['uri']
      return typeof uri === 'string' ? events.resourceUpdated(uri, note) : undefined
    }
    case 'notifications/message':
      return events.logged(note)
    // Cancels and progress of calls that have ended.
    case 'notifications/cancelled':
    case 'notifications/progress':
      return undefined
    default:
      return events.other(note)
  }
}
