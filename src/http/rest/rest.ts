/** The native REST API: every operation of the table, behind authentication, in one form of success and one of failure. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { apiRoot } from '#contract/api-root.ts'
import type { Limits } from '#contract/limits.ts'
import { invalidBody } from '#contract/parse-body.ts'
import { pathsOf, type Operation } from '#contract/operation.ts'
import { operations, specialOperations } from '#contract/operations.ts'
import { resourceOperations } from '#contract/resource-operations.ts'
import { nobodyActor, toChangedBy, type Actor } from '#control/actor.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { isDeeperThan } from '#core/protocol/scan.ts'
import { admit, type AdmitDeps } from './admit.ts'
import { readIfMatch, toEtag } from './conditions.ts'
import type { Handler, RestReply } from './handler.ts'
import { resourceHandler, specialHandlers, type RestDeps } from './handlers.ts'
import { runOnce, type IdempotencyDeps } from './idempotency.ts'
import { toOpenApi } from './openapi.ts'
import { problemType, toProblem } from './problem.ts'

export type RestOptions = RestDeps &
  AdmitDeps &
  IdempotencyDeps & {
    limits: Pick<Limits, 'managementBytesMax' | 'requestDepthMax' | 'managementRequestsPerMinuteMax'>
    version: string
    nextRequestId: () => string
    /** Somebody was refused before it was known who. */
    onRefusal: (request: { requestId: string; method: string; path: string }, error: GatewayError) => void
    onError: (error: unknown, requestId: string) => void
  }

export type RestApi = { handle(req: IncomingMessage, res: ServerResponse): void; close(): Promise<void> }

export async function createRestApi(options: RestOptions): Promise<RestApi> {
  const app = fastify({
    logger: false,
    bodyLimit: options.limits.managementBytesMax,
    genReqId: options.nextRequestId,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    return503OnClosing: false,
    frameworkErrors: (_error, request, reply) =>
      sendProblem(new GatewayError('not_found'), { request, reply, options }),
  })
  readJson(app, options)
  app.setErrorHandler((error, request, reply) => sendProblem(toFailure(error), { request, reply, options }))
  app.setNotFoundHandler((request, reply) => sendProblem(new GatewayError('not_found'), { request, reply, options }))
  const special = specialHandlers(options)
  for (const operation of specialOperations) addOperation(app, { operation, handler: special[operation.id], options })
  for (const operation of resourceOperations)
    addOperation(app, { operation, handler: resourceHandler(options, operation), options })
  addOpenApi(app, options)
  refuseOtherMethods(app)
  await app.ready()
  return { handle: (req, res) => app.routing(req, res), close: () => app.close() }
}

function readJson(app: FastifyInstance, { limits: { requestDepthMax } }: RestOptions): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text: string, done) => {
    // Many clients send the header with every request. A body that is missing is told by whoever needs one.
    if (text === '') return done(null)
    try {
      const body: unknown = JSON.parse(text)
      if (isDeeperThan(body, requestDepthMax)) throw new GatewayError('body_too_deep', { details: { requestDepthMax } })
      done(null, body)
    } catch (error) {
      done(error instanceof GatewayError ? error : new GatewayError('parse_error'))
    }
  })
}

const urlsOf = (operation: Operation): string[] =>
  pathsOf(operation).map((path) => apiRoot + path.replaceAll(/\{(\w+)\}/g, ':$1'))

type Route = { operation: Operation; handler: Handler; options: RestOptions }

function addOperation(app: FastifyInstance, route: Route): void {
  const { operation, options } = route
  const actors = new WeakMap<FastifyRequest, Actor>()
  for (const url of urlsOf(operation))
    app.route<{ Params: { ref?: string } }>({
      method: operation.method,
      url,
      // Before the body is read: a stranger's is not.
      onRequest: async (request) => {
        actors.set(request, await admit(options, request.raw, operation))
      },
      handler: (request, reply) => answer(route, { request, reply, actor: actors.get(request) ?? nobodyActor }),
    })
}

type Visit = { request: FastifyRequest<{ Params: { ref?: string } }>; reply: FastifyReply; actor: Actor }

async function answer({ operation, handler, options }: Route, { request, reply, actor }: Visit): Promise<unknown> {
  if (!operation.body && !isEmpty(request.body)) throw invalidBody([{ path: '', problem: 'must be empty' }])
  const run = (): Promise<RestReply> =>
    handler({
      caller: { actor, requestId: request.id, changedBy: changedByOf(request) },
      ref: request.params.ref ?? '',
      query: request.query,
      body: request.body,
      version: operation.precondition === 'if-match' ? readIfMatch(headerOf(request, 'if-match')) : null,
      address: options.clientOf(request.raw),
    })
  const isKept = operation.method === 'POST' && !operation.isQuestion
  const key = isKept ? headerOf(request, 'idempotency-key') : undefined
  const { method, url: path, body: asked } = request
  const onLost = (error: unknown): void => options.onError(error, request.id)
  const { body, version, location } =
    key === undefined || actor.id === ''
      ? await run()
      : await runOnce(
          options,
          { actorId: actor.id, key, method, path, body: asked, status: operation.status, onLost },
          run,
        )
  if (version !== undefined) reply.header('etag', toEtag(version))
  if (location !== undefined) reply.header('location', apiRoot + location)
  // What a token may see today, a cache must not show to another tomorrow.
  reply.header('cache-control', 'no-store').status(operation.status)
  return operation.status === 204 ? reply.send() : body
}

/** What nobody looks at must not seem to have been heeded. */
function isEmpty(body: unknown): boolean {
  return body === undefined || (isJsonObject(body) && Object.keys(body).length === 0)
}

/** LiteLLM's own name for it is taken as well, so that scripts that were written for it go on telling. */
function changedByOf(request: FastifyRequest): string {
  return toChangedBy(headerOf(request, 'x-changed-by') ?? headerOf(request, 'litellm-changed-by'))
}

function headerOf({ headers }: Pick<FastifyRequest, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function addOpenApi(app: FastifyInstance, options: RestOptions): void {
  const document = toOpenApi(options.version)
  app.get(`${apiRoot}/openapi.json`, (_request, reply) => reply.send(document))
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const

/** An address that exists says what may be done there (RFC 9110 §15.5.6). */
function refuseOtherMethods(app: FastifyInstance): void {
  const allowedAt = new Map<string, string[]>()
  for (const operation of operations) {
    const allowed = operation.method === 'GET' ? ['GET', 'HEAD'] : [operation.method]
    for (const url of urlsOf(operation)) allowedAt.set(url, [...(allowedAt.get(url) ?? []), ...allowed])
  }
  for (const [url, allowed] of allowedAt) {
    app.route({
      method: methods.filter((method) => !allowed.includes(method)),
      url,
      // A body that nobody reads is not parsed either.
      onRequest: (_request, reply, done) => {
        reply.header('allow', allowed.join(', '))
        done(new GatewayError('method_not_allowed'))
      },
      handler: () => undefined,
    })
  }
}

const codesOfFastify: ReadonlyMap<string, 'body_too_large' | 'unsupported_media_type' | 'parse_error' | 'not_found'> =
  new Map([
    ['FST_ERR_CTP_BODY_TOO_LARGE', 'body_too_large'],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'unsupported_media_type'],
    ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'parse_error'],
    ['FST_ERR_CTP_EMPTY_JSON_BODY', 'parse_error'],
    ['FST_ERR_BAD_URL', 'not_found'],
  ])

function toFailure(error: unknown): GatewayError {
  const code = error instanceof Error && 'code' in error ? codesOfFastify.get(String(error.code)) : undefined
  return code === undefined ? toGatewayError(error) : new GatewayError(code)
}

type Failing = { request: FastifyRequest; reply: FastifyReply; options: RestOptions }

function sendProblem(error: GatewayError, { request, reply, options }: Failing): void {
  const { id: requestId, method, url } = request
  if (error.code === 'internal') options.onError(error.cause ?? error, requestId)
  if (error.code === 'unauthorized') {
    options.onRefusal({ requestId, method, path: url.split('?', 1)[0] ?? '' }, error)
    reply.header('www-authenticate', 'Bearer realm="toolgate", error="invalid_token"')
  }
  if (error.code === 'body_too_large') {
    // Whoever still sends hears the answer only when all of it was taken; the server's time for a request bounds that.
    reply.removeHeader('connection')
    request.raw.resume()
  }
  const { retryAfterMs } = error.details
  if (error.status === 503 || error.status === 429)
    reply.header('retry-after', typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1_000) : 1)
  reply
    .status(error.status)
    .type(problemType)
    .send(JSON.stringify(toProblem(error, requestId)))
}
