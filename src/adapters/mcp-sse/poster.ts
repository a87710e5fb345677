import type { Dispatcher } from 'undici'
import { GatewayError } from '#contract/errors.ts'
import type { Lease } from '#core/credential/lease.ts'
import type { ChannelPool } from './channel-pool.ts'
import { firstOf, toPostError, toStatusError, withoutHeaders } from './sse-error.ts'

/** The body of an answer says nothing to us: so much of it is read to keep the connection, then the connection goes. */
const answerBytesMax = 65_536
/** Answers whose body is still to come. The oldest is cut for a new one, so that they cannot pile up. */
const openAnswersMax = 8

export type PostTarget = { pool: ChannelPool; endpoint: URL; lease: Lease; postTimeoutMs: number }

/**
 * Posts one message, with the lease's headers and its own; resolves with the head of a 2xx answer.
 * Rejects with `upstream_auth_failed`, `upstream_redirected`, `upstream_rate_limited`, `upstream_timeout`,
 * `upstream_closed` (the connection broke, or the server no longer knows the session) or `upstream_unreachable`.
 */
export function createPoster(target: PostTarget): (body: Buffer, headers: readonly string[]) => Promise<void> {
  const { pool, endpoint, lease, postTimeoutMs } = target
  const openAnswers = new Set<Dispatcher.DispatchController>()
  const ours = ['content-type', 'application/json']
  const requestWith = (headers: readonly string[]): Dispatcher.DispatchOptions => ({
    method: 'POST',
    path: endpoint.pathname + endpoint.search,
    headers: [...ours, ...withoutHeaders(headers, ['accept', 'content-type', 'content-length'])],
    headersTimeout: 0,
    bodyTimeout: postTimeoutMs,
  })

  return async (body, own) => {
    const { headers: sent } = lease
    const { status, challenge } = await new Promise<Taken>((resolve, reject) => {
      const exchange = createExchange(openAnswers, (outcome) => {
        clearTimeout(deadline)
        if (outcome instanceof GatewayError) reject(outcome)
        else resolve(outcome)
      })
      const deadline = setTimeout(() => exchange.abort(new GatewayError('upstream_timeout')), postTimeoutMs)
      pool.dispatch({ ...requestWith([...sent, ...own]), body }, exchange.handler)
    })
    if (status === 404 || status === 410) throw new GatewayError('upstream_closed', { details: { status } })
    if (status >= 300) throw toStatusError(status, { challenge, sent })
  }
}

/** The head of an answer. */
type Taken = { status: number; challenge: string | null }

type Exchange = { handler: Dispatcher.DispatchHandler; abort(error: GatewayError): void }

/** @param settle is told the status, or why there is none; what it is told after that says nothing new */
function createExchange(
  openAnswers: Set<Dispatcher.DispatchController>,
  settle: (outcome: Taken | GatewayError) => void,
): Exchange {
  let controller: Dispatcher.DispatchController | null = null
  let aborted: GatewayError | null = null
  let answerBytes = 0
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      if (aborted !== null) started.abort(aborted)
    },
    onResponseStart(started, status, headers) {
      // An interim answer; the final one follows.
      if (status < 200) return
      settle({ status, challenge: firstOf(headers['www-authenticate']) })
      openAnswers.add(started)
      const [oldest] = openAnswers
      if (openAnswers.size > openAnswersMax) oldest?.abort(new Error('too many answers are open'))
    },
    onResponseData(started, chunk) {
      answerBytes += chunk.byteLength
      if (answerBytes > answerBytesMax) started.abort(new Error('the answer is too long'))
    },
    onResponseEnd: (started) => void openAnswers.delete(started),
    onResponseError(started, error) {
      openAnswers.delete(started)
      settle(toPostError(error))
    },
  }
  return {
    handler,
    abort(error) {
      aborted = error
      settle(error)
      controller?.abort(error)
    },
  }
}
