/**
 * What replicas tell each other of a session that more than one of them has: a client speaks to any of them, and hears on the one stream
 * that it holds open.
 */
import { GatewayError } from '#contract/errors.ts'
import { busMessageCharsMax } from '#core/bus/bus-message.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Clock } from '#core/clock.ts'
import {
  isNotification,
  isRequest,
  toOutcome,
  toResponse,
  toRpcError,
  type Outcome,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import type { ClientSession } from './client-session.ts'
import type { Outlet } from './open-questions.ts'
import {
  isNewerClaim,
  parseSessionMessage,
  type Claim,
  type SentMessage,
  type SessionMessage,
} from './session-messages.ts'
import { takeNote } from './take-note.ts'

/** `claim`: the newest that this replica has heard of. */
export type TalkingSession = { session: ClientSession; claim: Claim | null }

export type SessionTalkDeps = {
  bus: Bus
  clock: Pick<Clock, 'now'>
  /** This one among the replicas. */
  replicaId: string
  /** Those that other replicas may have as well. */
  find(id: string): TalkingSession | undefined
  all(): Iterable<TalkingSession>
  /** Another replica says that it is over. */
  onEnded(id: string): void
  /** Something may have been missed. */
  onGap(): void
}

const topic = 'mcp-sessions'
const idsPerMessage = 500

export class SessionTalk {
  readonly #deps: SessionTalkDeps
  readonly #unsubscribe: (() => void)[]

  constructor(deps: SessionTalkDeps) {
    this.#deps = deps
    const { bus, replicaId } = deps
    const onMessage = (message: Parameters<typeof parseSessionMessage>[0]): void => {
      const sent = parseSessionMessage(message)
      if (sent && sent.from !== replicaId) this.#take(sent)
    }
    this.#unsubscribe = [
      bus.subscribe(topic, { onMessage, onGap: () => this.#gap() }),
      bus.subscribe(`${topic}/${replicaId}`, { onMessage, onGap: () => undefined }),
    ]
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  /** The session is known here from now on: what it has to say goes to who holds its stream. */
  joined(id: string): void {
    this.#tellAll({ do: 'where', ids: [id] })
  }

  ended(id: string): void {
    this.#tellAll({ do: 'end', id })
  }

  levelSet(id: string, level: string): void {
    this.#tellAll({ do: 'level', id, level })
  }

  unwatched(id: string, server: string, uri: string): void {
    this.#tellAll({ do: 'unwatch', id, server, uri })
  }

  /** The client hears on `outlet`, which is here. @returns to be called when it is closed */
  listen(own: TalkingSession, outlet: Outlet): () => void {
    const { session } = own
    const { clock, replicaId } = this.#deps
    // Above any that is known, whatever the clocks say.
    const claim = { at: Math.max(clock.now(), (own.claim?.at ?? 0) + 1), replica: replicaId }
    own.claim = claim
    session.setOutlet(outlet)
    this.#tellAll({ do: 'stream', id: session.id, claim, isOpen: true })
    return () => {
      if (!session.isOutlet(outlet)) return
      session.setOutlet(null)
      this.#tellAll({ do: 'stream', id: session.id, claim, isOpen: false })
    }
  }

  /** An answer that nobody here waits for may be waited for elsewhere. */
  answered({ id: session }: ClientSession, id: RequestId, outcome: Outcome): void {
    const isSent = this.#tellAll({ do: 'said', id: session, message: toResponse(id, outcome) })
    if (!isSent) this.#tellAll({ do: 'said', id: session, message: toResponse(id, tooLarge) })
  }

  noted({ id }: ClientSession, note: RpcNotification): void {
    this.#tellAll({ do: 'said', id, message: note })
  }

  #gap(): void {
    const ids: string[] = []
    for (const { session, claim } of this.#deps.all()) {
      if (!session.isHeardHere) ids.push(session.id)
      else if (claim) this.#tellAll({ do: 'stream', id: session.id, claim, isOpen: true })
    }
    for (let at = 0; at < ids.length; at += idsPerMessage) {
      this.#tellAll({ do: 'where', ids: ids.slice(at, at + idsPerMessage) })
    }
    this.#deps.onGap()
  }

  #take(message: SentMessage): void {
    if (message.do === 'where') return this.#takeWhere(message.ids, message.from)
    if (message.do === 'end') this.#deps.onEnded(message.id)
    const own = this.#deps.find(message.id)
    if (own) this.#takeOf(own, message)
    else if (message.do === 'tell') this.#beDeaf(message)
  }

  #takeOf(own: TalkingSession, message: Exclude<SentMessage, { do: 'where' }>): void {
    const { session } = own
    switch (message.do) {
      case 'level':
        session.facts.logLevel = message.level
        return
      case 'unwatch':
        return session.unwatchHere(message.server, message.uri)
      case 'stream':
        return this.#takeStream(own, message)
      case 'said':
        return takeSaid(session, message.message)
      case 'tell':
        if (session.isHeardHere) return session.hear(message.message)
        return this.#beDeaf(message)
      case 'deaf':
        return this.#lost(own, message.from, message.question)
      case 'end':
        return undefined
    }
  }

  #takeWhere(ids: readonly string[], from: string): void {
    for (const id of ids) {
      const own = this.#deps.find(id)
      if (own?.claim && own.session.isHeardHere) {
        void this.#tellOne(from, { do: 'stream', id, claim: own.claim, isOpen: true })
      }
    }
  }

  #takeStream(own: TalkingSession, { claim, isOpen }: { claim: Claim; isOpen: boolean }): void {
    const { session } = own
    const isSame = own.claim?.at === claim.at && own.claim.replica === claim.replica
    if (isOpen && isNewerClaim(claim, own.claim)) {
      own.claim = claim
      session.setOutlet(this.#outletAt(own, claim.replica), 'elsewhere')
    } else if (!isOpen && isSame && !session.isHeardHere) session.setOutlet(null)
  }

  #beDeaf({ id, message, from }: { id: string; message: RpcMessage; from: string }): void {
    void this.#tellOne(from, { do: 'deaf', id, question: isRequest(message) ? message.id : null })
  }

  #outletAt(own: TalkingSession, replica: string): Outlet {
    return (message) => {
      const question = isRequest(message) ? message.id : null
      const carried = this.#tellOne(replica, { do: 'tell', id: own.session.id, message })
      // What is too large for the bus does not say that nobody listens.
      if (!carried) return answerUnheard(own.session, question)
      void carried.then((isTaken) => isTaken || this.#lost(own, replica, question))
    }
  }

  /** Who held the stream does not hold it any more. */
  #lost(own: TalkingSession, replica: string, question: RequestId | null): void {
    const { session, claim } = own
    if (claim?.replica === replica && !session.isHeardHere) session.setOutlet(null)
    answerUnheard(session, question)
  }

  /** @returns false: it is too large */
  #tellAll(message: SessionMessage): boolean {
    const sent = this.#publish(topic, message)
    return sent !== null
  }

  /** Null: it is too large. */
  #tellOne(replica: string, message: SessionMessage): Promise<boolean> | null {
    return this.#publish(`${topic}/${replica}`, message)
  }

  #publish(to: string, message: SessionMessage): Promise<boolean> | null {
    try {
      return this.#deps.bus.publish(to, { ...message, from: this.#deps.replicaId })
    } catch {
      return null
    }
  }
}

function takeSaid(session: ClientSession, message: RpcMessage): void {
  if (isNotification(message)) takeNote(session, message)
  const outcome = toOutcome(message)
  const id = 'id' in message ? message.id : null
  if (outcome && id !== null) session.answer(id, outcome)
}

function answerUnheard(session: ClientSession, question: RequestId | null): void {
  if (question !== null) session.answer(question, { error: toRpcError(new GatewayError('question_unroutable')) })
}

const tooLarge: Outcome = {
  error: toRpcError(
    new GatewayError('question_unroutable', {
      details: { answerCharsMax: busMessageCharsMax, reason: 'the answer came to another replica' },
    }),
  ),
}
