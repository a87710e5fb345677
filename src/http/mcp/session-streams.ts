/** The resumable streams of each legacy session that has any. */
import { isAtLeast } from '#core/protocol/revisions.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import { EventStreams } from './event-streams.ts'

export class SessionStreams {
  /** Of this replica. */
  readonly replica: string
  readonly #streams = new WeakMap<ClientSession, EventStreams>()

  constructor(replica: string) {
    this.replica = replica
  }

  /** Null for revisions whose clients may not know the priming event (before 2025-11-25). */
  of(session: ClientSession): EventStreams | null {
    if (!isAtLeast(session.revision, '2025-11-25')) return null
    let streams = this.#streams.get(session)
    if (!streams) this.#streams.set(session, (streams = new EventStreams(this.replica)))
    return streams
  }
}
