/** HTTP to one server of one session. Where that is, and with which token, is asked anew for each request, and kept nowhere. */
import { GatewayError, type ErrorCode } from '#contract/errors.ts'
import type { ShimAnswer, ShimPlace } from '#contract/session-socket.ts'
import { toRpcError } from '#core/protocol/json-rpc.ts'
import type { HttpWire, WireAnswer, WireExchange, WireRequest } from '#core/upstream/http-wire.ts'

export type SessionWireDeps = {
  ask: () => Promise<ShimAnswer>
  openWire: (url: string) => HttpWire
}

export function createSessionWire({ ask, openWire }: SessionWireDeps): HttpWire {
  let open: { url: string; wire: HttpWire } | undefined
  const wireTo = (url: string): HttpWire => {
    if (open?.url === url) return open.wire
    void open?.wire.close()
    open = { url, wire: openWire(url) }
    return open.wire
  }
  return {
    send: (request, answer) => new SessionExchange({ request, answer, place: placeOf(ask), wireTo }),
    async close() {
      await open?.wire.close()
    },
  }
}

/** @throws GatewayError `session_not_found`, `credential_missing` */
async function placeOf(ask: SessionWireDeps['ask']): Promise<ShimPlace> {
  const answer = await ask().catch(() => {
    throw new GatewayError('credential_missing', { details: { reason: 'the adapter of the session does not answer' } })
  })
  if ('url' in answer) return answer
  throw new GatewayError('session_not_found')
}

type Sending = {
  request: WireRequest
  answer: WireAnswer
  place: Promise<ShimPlace>
  wireTo: (url: string) => HttpWire
}

class SessionExchange implements WireExchange {
  #inner: WireExchange | undefined
  #isAborted = false

  constructor({ request, answer, place, wireTo }: Sending) {
    place.then(
      ({ url, token }) => {
        if (this.#isAborted) return
        const headers = token === null ? request.headers : [...request.headers, 'authorization', `Bearer ${token}`]
        this.#inner = wireTo(url).send({ ...request, headers }, answer)
      },
      (error: unknown) => {
        if (!this.#isAborted) refuse(answer, error instanceof GatewayError ? error : new GatewayError('internal'))
      },
    )
  }

  resume(): void {
    this.#inner?.resume()
  }

  abort(): void {
    this.#isAborted = true
    this.#inner?.abort()
  }
}

/** Says it as the gateway would, so that whoever reads answers need not know a second way to fail. */
function refuse(answer: WireAnswer, error: GatewayError): void {
  const body = JSON.stringify({ jsonrpc: '2.0', id: null, error: toRpcError(error) })
  answer.head({
    status: statusOf(error.code),
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
  })
  answer.chunk(new TextEncoder().encode(body))
  answer.end()
}

/** A session that the adapter does not know is none that a legacy client could open anew: 404 would ask it to. */
function statusOf(code: ErrorCode): number {
  return code === 'session_not_found' ? 403 : 502
}
