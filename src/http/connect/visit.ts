/** One request to the connect pages, and what it needs of the world. */
import type { IncomingMessage } from 'node:http'
import type { Limits } from '#contract/limits.ts'
import { type Caller, nobodyActor } from '#control/actor.ts'
import type { TargetWords } from '#control/connections/connection-target.ts'
import type { ConnectionsControl } from '#control/connections/connections.ts'
import type { PasswordDeps } from '#control/passwords.ts'
import type { ConnectRoute } from './connect-route.ts'
import type { SignedIn } from './list-page.ts'
import type { Page } from './page.ts'
import type { FormDeps } from './read-form.ts'
import type { Visitor, VisitorDeps } from './visitor.ts'

export type ConnectSiteOptions = VisitorDeps &
  FormDeps &
  PasswordDeps & {
    connections: ConnectionsControl
    limits: Pick<Limits, 'managementBytesMax' | 'requestTimeoutMs' | 'managementRequestsPerMinuteMax'>
    /** The client's address, as far as it can be known, for what is counted. */
    clientOf: (request: IncomingMessage) => string
    /** Nobody knows any more who has signed in. */
    isStale: () => boolean
    nextRequestId: () => string
    onError: (error: unknown, requestId: string) => void
  }

export type Visit = {
  req: IncomingMessage
  route: ConnectRoute
  query: URLSearchParams
  visitor: Visitor
  requestId: string
}

/** `cookies`: headers `Set-Cookie`. */
export type Answer = ({ page: Page; status?: number } | { seeOther: string }) & { cookies?: readonly string[] }

export function callerOf({ visitor, requestId }: Visit): Caller {
  return { actor: visitor.actor ?? nobodyActor, requestId, changedBy: '' }
}

export function signedInOf({ visitor }: Visit): SignedIn {
  return { name: visitor.actor?.name ?? '', formToken: visitor.formToken }
}

/** A link says whose it is for. */
export function wordsOf({ route }: Visit, { owner, link }: Pick<TargetWords, 'owner' | 'link'>): TargetWords {
  const server = 'server' in route ? route.server : ''
  return link === undefined ? { server, owner } : { server, link }
}
