/** Where one call's answer goes, and its end. Types only. */
import type { GatewayError } from '#contract/errors.ts'
import type { Reply } from '#gateway/client/client-call.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { OpenReply } from './open-replies.ts'

export interface CallReply extends Reply, OpenReply {
  /** Whether the client can come back for the rest after it has lost the connection. */
  readonly isResumable: boolean
  finish(answer: Answer): void
  fail(error: GatewayError): void
}
