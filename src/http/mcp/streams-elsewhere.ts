/** Event streams that another replica has written: it tells what came after an event, and what is still to come. */
import { GatewayError } from '#contract/errors.ts'
import type { ReplicaAsks } from '#core/bus/replica-asks.ts'
import type { Asker } from '#core/bus/replica-service.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { SessionStore } from '#gateway/client/session-store.ts'
import type { SessionStreams } from './session-streams.ts'

export type StreamsElsewhereDeps = { asks: ReplicaAsks; sessions: SessionStore; streams: SessionStreams }

/** What is resumed there, and who takes the events here. */
export type Resuming = {
  replica: string
  session: ClientSession
  /** As the client has it. */
  eventId: string
  cancellation: Cancellation
  write: (event: string) => void
}

const kind = 'event-streams'

export class StreamsElsewhere {
  readonly #deps: StreamsElsewhereDeps

  constructor(deps: StreamsElsewhereDeps) {
    this.#deps = deps
    deps.asks.serve(kind, (asked, asker) => this.#serve(asked, asker))
  }

  /**
   * Resolves when the stream of a request has ended; of what belongs to none, when all was told that came so far.
   * @throws GatewayError `event_unknown` before anything was written, where that replica or its stream has gone; `replica_lost`,
   * `storage_unavailable`, `request_cancelled`
   */
  async resume({ replica, session, eventId, cancellation, write }: Resuming): Promise<void> {
    const question = { session: session.id, tokenId: session.principal.tokenId, eventId }
    const note = ({ event }: JsonObject): void => {
      if (typeof event === 'string') write(event)
    }
    const answer = await this.#deps.asks.ask(replica, { kind, question }, { cancellation, note })
    if (!answer) throw new GatewayError('event_unknown')
  }

  /** The session is found by its id alone: who asks has found that it is the caller's. */
  #serve({ session: id, tokenId, eventId }: JsonObject, { note, cancellation }: Asker): Promise<JsonObject> {
    const session = typeof id === 'string' ? this.#deps.sessions.get(id) : undefined
    const isSame = session?.principal.tokenId === tokenId
    const streams = session && isSame ? this.#deps.streams.of(session) : null
    const found = typeof eventId === 'string' ? streams?.find(eventId) : null
    if (!session || !found) return Promise.reject(new GatewayError('event_unknown'))
    const { stream, sequence } = found
    const write = (event: string): void => note({ event })
    if (stream.isStanding) {
      stream.replay(sequence, write)
      return Promise.resolve({})
    }
    return new Promise((resolve) => {
      let forgetEnd = (): void => undefined
      const end = (): void => {
        forgetEnd()
        stream.release(taker)
        resolve({})
      }
      const taker = { write, end }
      forgetEnd = session.onEnd(end)
      cancellation.onCancel(end)
      stream.resume(sequence, taker)
    })
  }
}
