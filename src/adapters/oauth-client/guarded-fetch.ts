/**
 * A fetch for addresses that others chose. It goes only where the guard lets it, to the very address that was judged, follows nothing, reads so
 * much and not more, and has ended by its deadline. Nothing is kept for the next request: no connection, no cookie.
 */
import type { Dispatcher } from 'undici'
import errors from 'undici/lib/core/errors.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { GatewayError } from '#contract/errors.ts'
import { serverFailed, unavailable, type OAuthStep } from './oauth-failure.ts'
import { toSecureUrl, type AddressRules } from './secure-address.ts'

/** A metadata document has some kilobytes. */
const answerBytesMax = 1_048_576

export type GuardedRequest = {
  method: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** For all of it, from the name's look-up to the last byte. */
  timeoutMs: number
  step: OAuthStep
}

/** Whatever the status is, the body is there, whole. */
export type Answer = {
  status: number
  /** Empty where it is no header's plain text. */
  contentType: string
  text: string
}

/**
 * Rejects with GatewayError:
 * - `oauth_server_failed`: `insecure_endpoint`, `egress_forbidden` (nothing was sent), `redirected`, `too_large`
 * - `credential_unavailable`: `timeout`, `unreachable`
 */
export type GuardedFetch = (url: string, request: GuardedRequest) => Promise<Answer>

export function createGuardedFetch(rules: AddressRules): GuardedFetch {
  return async (text, request) => {
    const url = toSecureUrl(text, rules, request.step)
    const pool = openPool(url, rules, request.timeoutMs)
    try {
      return await new Promise<Answer>((resolve, reject) => {
        new Ask(request, { resolve, reject }).dispatch(pool, url)
      })
    } finally {
      // Ends the connection, and one that is still being opened.
      void pool.destroy()
    }
  }
}

/** For one request: what is reused would have been judged for another. A host that is an address has been judged with the URL. */
function openPool(url: URL, rules: AddressRules, timeoutMs: number): Pool {
  const { lookup } = rules.egressOf(url)
  return new Pool(url.origin, {
    connections: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: timeoutMs, lookup, allowH2: false },
  })
}

type Settle = { resolve: (answer: Answer) => void; reject: (error: GatewayError) => void }

class Ask implements Dispatcher.DispatchHandler {
  readonly #request: GuardedRequest
  readonly #settle: Settle
  readonly #deadline: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | null = null
  #isOver = false
  #status = 0
  #contentType = ''
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(request: GuardedRequest, settle: Settle) {
    this.#request = request
    this.#settle = settle
    this.#deadline = setTimeout(() => this.#fail(unavailable('timeout', request.step)), request.timeoutMs)
  }

  dispatch(pool: Pool, url: URL): void {
    const { method, headers, body } = this.#request
    const own = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'toolgate' }
    const options = { path: url.pathname + url.search, method, headers: { ...headers, ...own }, body: body ?? null }
    try {
      pool.dispatch({ ...options, reset: true }, this)
    } catch (error) {
      this.#fail(toFailure(error, this.#request.step))
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // To throw refuses the request before a byte of it is written.
    if (this.#isOver) throw new errors.RequestAbortedError()
    this.#controller = controller
  }

  onResponseStart(_: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (this.#isOver || status < 200) return
    const type = headers['content-type']
    this.#status = status
    this.#contentType = typeof type === 'string' && /^[\x20-\x7e]*$/.test(type) ? type : ''
    if (status >= 300 && status < 400) this.#fail(serverFailed('redirected', this.#request.step))
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#isOver) return
    this.#bytes += chunk.length
    if (this.#bytes > answerBytesMax) this.#fail(serverFailed('too_large', this.#request.step))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (!this.#end()) return
    const text = Buffer.concat(this.#chunks).toString()
    this.#settle.resolve({ status: this.#status, contentType: this.#contentType, text })
  }

  onResponseError(_: unknown, error: unknown): void {
    this.#fail(toFailure(error, this.#request.step))
  }

  #fail(error: GatewayError): void {
    if (!this.#end()) return
    this.#chunks = []
    this.#settle.reject(error)
    this.#controller?.abort(new errors.RequestAbortedError())
  }

  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#deadline)
    return true
  }
}

const timeouts = [errors.HeadersTimeoutError, errors.BodyTimeoutError, errors.ConnectTimeoutError]

/** Of an error that is not ours its code alone is kept: it is the system's word for what happened, and quotes nobody. */
function toFailure(error: unknown, step: OAuthStep): GatewayError {
  if (error instanceof GatewayError) return serverFailed('egress_forbidden', step, { rule: error.details['rule'] })
  if (error instanceof errors.HeadersOverflowError) return serverFailed('too_large', step)
  if (timeouts.some((kind) => error instanceof kind)) return unavailable('timeout', step)
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return unavailable('unreachable', step, /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? { system: code } : {})
}
