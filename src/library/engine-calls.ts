/** Takes the library's calls through the engine: as a client that speaks for many callers and sits in the same process. */
import { GatewayError } from '#contract/errors.ts'
import type { Access, Decision } from '#core/access/access.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import type { Principal } from '#core/identity/principal.ts'
import { toOutcome, type JsonObject, type Outcome, type RpcNotification } from '#core/protocol/json-rpc.ts'
import { newestLegacyRevision } from '#core/protocol/revisions.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { wordOf } from '#gateway/methods/calls.ts'
import { recordCall } from '#gateway/record.ts'
import { parseMessage, responseText } from '#gateway/upstream/answer.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import { toSessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { Callers } from './callers.ts'
import { McpError, ProtocolError, ToolExecutionError } from './errors.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { PermissionCaller } from './permission-manager.ts'
import { Questions } from './questions.ts'
import { RateLimit } from './rate-limit.ts'
import { toMcpError, type ErrorPlace } from './to-mcp-error.ts'

export type Progress = { progress: number; total?: number; message?: string }

export type CallOptions = PermissionCaller & {
  /** Ends the call early; the server is told. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

export type EngineRequest = {
  /** The real name. */
  server: string
  method: string
  params: JsonObject
  /** The tool, prompt or resource, for the audit. */
  target: string
  /** Set for tool calls, whose failures are told with the tool. */
  tool?: string
  decide(access: Access): { isAllowed: boolean; decision: Decision }
  /** Whether it counts against the caller's rate. */
  isCounted: boolean
  beforeCall?: (tool: JsonObject) => Promise<void>
}

export type EngineCallsDeps = {
  engine: Gateway
  audit: AuditRecorder
  options: GatewayOptions
  hash: (text: string) => string
  randomId: (prefix: string) => string
  now: () => number
}

export class EngineCalls {
  readonly #deps: EngineCallsDeps
  readonly #callers: Callers
  readonly #questions: Questions
  readonly #rates = new RateLimit()
  #lastId = 0

  constructor(deps: EngineCallsDeps) {
    this.#deps = deps
    this.#callers = new Callers(deps.options.permissions, deps.hash)
    this.#questions = new Questions(deps.options)
  }

  access(caller: PermissionCaller): Access {
    return this.#callers.principal(caller).access
  }

  /** Opens the caller's session to a server, or gives the one that is open. @throws McpError */
  async connect(upstream: Upstream, caller: PermissionCaller) {
    try {
      const principal = this.#callers.principal(caller)
      if (!principal.access.mayReach(upstream.name)) throw new GatewayError('forbidden')
      return (await openTwice(() => this.#place(upstream, principal))).session.facts
    } catch (error) {
      throw toMcpError(error, { server: upstream.name })
    }
  }

  /**
   * Sends one request to one server.
   * @returns the result's members
   * @throws McpError; what the program's own callbacks threw, as it is
   */
  async request(request: EngineRequest, options: CallOptions): Promise<JsonObject> {
    const place = { server: request.server, ...(request.tool === undefined ? {} : { tool: request.tool }) }
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    const cancellation = new Cancellation()
    const stop = (error: unknown): void => {
      cancellation.cancel()
      reject(error)
    }
    try {
      const call = this.#toCall(request, { options, cancellation, stop })
      this.#admit(request, call, options)
      const answer = await until(options.signal, stop, () => Promise.race([this.#handle(call), stopped]))
      return resultOf(answer, request)
    } catch (error) {
      throw asLibraryError(error, place)
    }
  }

  /** Asynchronous whatever happens, so that what fails at once fails in the same way. */
  async #handle(call: ClientCall): Promise<Answer> {
    const [upstream] = call.endpoint.upstreams
    if (upstream) this.#place(upstream, call.principal)
    return this.#deps.engine.handle(call)
  }

  #place(upstream: Upstream, principal: Principal) {
    const { capabilities } = this.#questions
    const place = upstream.place(toSessionUser(principal, { sessionId: null, capabilities }))
    const isShared = upstream.server.isolation === 'shared'
    if (isShared && this.#questions.canAnswer) place.attach(this.#questions.peer)
    return place
  }

  /** Steps 4 to 6, where they need nothing from the server: what is refused here costs it nothing, and is recorded all the same. */
  #admit(request: EngineRequest, call: ClientCall, caller: PermissionCaller): void {
    const { isAllowed, decision } = request.decide(call.principal.access)
    const reason = wordOf(decision)
    if (!isAllowed)
      throw this.#refuse(new GatewayError('forbidden', { details: { reason } }), { request, call, reason })
    const perMinute = request.isCounted ? this.#callers.rateLimitRpm(caller) : undefined
    const waitMs = perMinute === undefined ? 0 : this.#rates.take(call.principal.id, perMinute, this.#deps.now())
    if (waitMs === 0) return
    const error = new GatewayError('rate_limited', { details: { retryAfterMs: waitMs } })
    throw this.#refuse(error, { request, call, reason: error.code })
  }

  #refuse(error: GatewayError, refusal: { request: EngineRequest; call: ClientCall; reason: string }): GatewayError {
    const { request, call, reason } = refusal
    const { server, target } = request
    const facts = { server, target, effect: 'deny' as const, reason, credential: '', sentAt: 0 }
    recordCall(this.#deps.audit, call, { facts, outcome: error.code, at: this.#deps.now(), answer: null })
    return error
  }

  #toCall(
    request: EngineRequest,
    run: { options: CallOptions; cancellation: Cancellation; stop: (error: unknown) => void },
  ): ClientCall {
    const { options, cancellation, stop } = run
    const { engine, randomId, now } = this.#deps
    const { server, method, beforeCall } = request
    const id = ++this.#lastId
    const asker = { server, signal: options.signal }
    return {
      principal: this.#callers.principal(options),
      endpoint: engine.registry.named(server),
      address: { scope: 'servers', names: server, narrowing: null },
      // The legacy wire asks while a call runs; the modern one would end the call and start it anew for each question.
      era: 'legacy',
      revision: newestLegacyRevision,
      facts: { capabilities: this.#questions.capabilities, info: undefined, logLevel: undefined },
      session: null,
      message: { jsonrpc: '2.0', id, method, params: withProgress(request.params, options.onProgress && id) },
      large: null,
      headers: null,
      reply: {
        notify: (note) => tellProgress(note, options, stop),
        ask: (question) => this.#questions.answer(question, asker, stop),
      },
      sink: null,
      cancellation,
      requestId: randomId('lib'),
      receivedAt: now(),
      ...(beforeCall ? { beforeCall } : {}),
    }
  }
}

function withProgress(params: JsonObject, progressToken: number | undefined): JsonObject {
  return progressToken === undefined ? params : { ...params, _meta: { progressToken } }
}

function tellProgress(note: RpcNotification, { onProgress }: CallOptions, stop: (error: unknown) => void): void {
  if (!onProgress || note.method !== 'notifications/progress') return
  const { progress, total, message } = note.params ?? {}
  if (typeof progress !== 'number') return
  try {
    onProgress({
      progress,
      ...(typeof total === 'number' ? { total } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    })
  } catch (error) {
    stop(error)
  }
}

/** Runs `work` unless, and until, the signal fires. */
async function until<T>(
  signal: AbortSignal | undefined,
  stop: (error: McpError) => void,
  work: () => Promise<T>,
): Promise<T> {
  const toError = (): McpError =>
    new McpError('request_cancelled', 'The call was cancelled.', { cause: signal?.reason })
  if (signal?.aborted) throw toError()
  const onAbort = (): void => stop(toError())
  signal?.addEventListener('abort', onAbort)
  try {
    return await work()
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

function resultOf(answer: Answer, { server, method, tool }: EngineRequest): JsonObject {
  const outcome = toWhole(answer)
  if (!outcome) throw new ProtocolError({ httpStatus: 502 })
  if ('result' in outcome) return outcome.result
  const { code } = outcome.error
  if (tool !== undefined) throw new ToolExecutionError({ server, tool, upstreamCode: code })
  const message = `Server ${JSON.stringify(server)} answered ${method} with error ${code}.`
  throw new ProtocolError({ message, httpStatus: 502 })
}

function toWhole(answer: Answer): Outcome | undefined {
  if ('result' in answer || 'error' in answer) return answer
  return toOutcome(parseMessage(responseText(0, answer) ?? '') ?? {})
}

/** A failure of the engine becomes its class. What a callback of the program threw is the program's, and stays as it is. */
function asLibraryError(error: unknown, place: ErrorPlace): unknown {
  if (!(error instanceof GatewayError)) return error
  return error.cause instanceof McpError ? error.cause : toMcpError(error, place)
}
