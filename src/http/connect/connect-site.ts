/** The connect pages: what a person does in a browser to give the gateway a credential of its own. No page needs a script, and none runs. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import type { Actor } from '#control/actor.ts'
import { chargeRates, perMinute } from '#core/limits/charge-rates.ts'
import { toClientDocument } from './client-document.ts'
import { routeConnect, type ConnectRoute } from './connect-route.ts'
import { answerForm } from './form-answers.ts'
import { errorPage, type Aim } from './other-pages.ts'
import { answerPage } from './page-answers.ts'
import { pageHeaders, sendPage, sendSeeOther } from './page.ts'
import { readForm } from './read-form.ts'
import { askToSignIn } from './sign-in.ts'
import type { Answer, ConnectSiteOptions, Visit } from './visit.ts'
import { findVisitor, isFormOf, type Visitor } from './visitor.ts'

export type ConnectSite = { handle(req: IncomingMessage, res: ServerResponse): void }

export function createConnectSite(options: ConnectSiteOptions): ConnectSite {
  return {
    handle(req, res) {
      const requestId = options.nextRequestId()
      answer(options, { req, res, requestId }).catch((error: unknown) => {
        options.onError(error, requestId)
        res.destroy()
      })
    },
  }
}

type Request = { req: IncomingMessage; res: ServerResponse; requestId: string }

async function answer(options: ConnectSiteOptions, { req, res, requestId }: Request): Promise<void> {
  const [path = '', search = ''] = (req.url ?? '').split('?', 2)
  const query = new URLSearchParams(search)
  const seen: { visitor: Visitor | null } = { visitor: null }
  try {
    const route = routeConnect(req.method ?? '', path)
    if (route.kind === 'document') return sendDocument(options, res)
    if (options.isStale()) throw new GatewayError('storage_unavailable')
    const visitor = findVisitor(options, req)
    seen.visitor = visitor
    await charge(options, req, visitor.actor)
    send(res, await toAnswer(options, { req, route, query, visitor, requestId }))
  } catch (error) {
    const failure = toGatewayError(error)
    if (failure.code === 'internal') options.onError(error, requestId)
    sendFailure(res, failure, { requestId, visitor: seen.visitor })
  } finally {
    // What is left of a body that nobody reads must not hold the connection.
    if (!req.complete) req.resume()
  }
}

async function toAnswer(options: ConnectSiteOptions, visit: Visit): Promise<Answer> {
  const { req, route, visitor, query } = visit
  const isForm = req.method === 'POST'
  const form = isForm ? await readForm(options, req) : null
  if (form) checkForm(options, visitor, form.get('form'))
  const isOpen = route.kind === 'sign-in' || route.kind === 'sign-out' || route.kind === 'callback'
  if (!visitor.actor && !isOpen) return askToSignIn(visitor, aimOf(route, form ?? query))
  return form ? answerForm(options, visit, form) : answerPage(options, visit)
}

/** A form of another page, or of somebody who has signed in or out since. */
function checkForm({ keys }: ConnectSiteOptions, { formCookie }: Visitor, given: string | undefined): void {
  if (formCookie !== '' && given !== undefined && isFormOf(keys, formCookie, given)) return
  throw new GatewayError('forbidden', { details: { reason: 'form_expired' } })
}

/** @param fields of the address, or of a form */
function aimOf(route: ConnectRoute, fields: { get(name: string): string | null | undefined }): Aim {
  if (!('server' in route)) return {}
  return { server: route.server, for: fields.get('for') ?? undefined, owner: fields.get('owner') ?? undefined }
}

function charge(options: ConnectSiteOptions, req: IncomingMessage, actor: Actor | null): Promise<void> {
  const { counters, limits, clientOf } = options
  const { managementRequestsPerMinuteMax } = limits
  const whose = actor ? `by ${actor.id}` : `from ${clientOf(req)}`
  const rate = perMinute(managementRequestsPerMinuteMax)
  return chargeRates(counters, [[`management ${whose}`, rate]], { limit: 'management', managementRequestsPerMinuteMax })
}

function send(res: ServerResponse, answered: Answer): void {
  if (answered.cookies && answered.cookies.length > 0) res.setHeader('set-cookie', answered.cookies)
  if ('seeOther' in answered) return sendSeeOther(res, answered.seeOther)
  sendPage(res, answered.page, { status: answered.status ?? 200 })
}

type Failing = { requestId: string; visitor: Visitor | null }

function sendFailure(res: ServerResponse, failure: GatewayError, { requestId, visitor }: Failing): void {
  const { retryAfterMs, allow } = failure.details
  if (failure.status === 429 || failure.status === 503)
    res.setHeader('retry-after', typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1_000) : 1)
  if (typeof allow === 'string') res.setHeader('allow', allow)
  const signedIn = visitor?.actor ? { name: visitor.actor.name, formToken: visitor.formToken } : null
  sendPage(res, errorPage(failure, { requestId, visitor: signedIn }), { status: failure.status })
}

function sendDocument({ baseUrl }: ConnectSiteOptions, res: ServerResponse): void {
  const base = baseUrl()
  if (base === null) throw new GatewayError('not_found')
  const text = JSON.stringify(toClientDocument(base))
  res.writeHead(200, {
    ...pageHeaders,
    'cache-control': 'public, max-age=300',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  res.end(text)
}
