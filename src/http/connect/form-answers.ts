/** What the forms do. */
import { GatewayError } from '#contract/errors.ts'
import type { TargetWords } from '#control/connections/connection-target.ts'
import { connectPath } from '#core/credential/connect-link.ts'
import { leavePage } from './other-pages.ts'
import type { Form } from './read-form.ts'
import { ownerWordOf } from './parts.ts'
import { serverPage } from './server-page.ts'
import { letIn } from './sign-in.ts'
import { callerOf, signedInOf, wordsOf, type Answer, type ConnectSiteOptions, type Visit } from './visit.ts'
import { signOutCookie } from './visitor.ts'

export async function answerForm(options: ConnectSiteOptions, visit: Visit, form: Form): Promise<Answer> {
  const { route } = visit
  if (route.kind === 'sign-in') return letIn(options, visit, form)
  if (route.kind === 'sign-out') return { seeOther: '/connect', cookies: [signOutCookie(options)] }
  const words = wordsOf(visit, { owner: form.get('owner'), link: form.get('for') })
  switch (route.kind) {
    case 'start':
      return leave(options, visit, words)
    case 'key':
    case 'variables':
      return take(options, visit, { form, words, kind: route.kind })
    case 'revoke':
      await options.connections.revoke(callerOf(visit), words)
      return { seeOther: '/connect' }
    default:
      throw new GatewayError('not_found')
  }
}

async function leave({ connections }: ConnectSiteOptions, visit: Visit, words: TargetWords): Promise<Answer> {
  const departure = await connections.start(callerOf(visit), { words, browser: visit.visitor.browser })
  return { page: leavePage(departure, signedInOf(visit)) }
}

type Taking = { form: Form; words: TargetWords; kind: 'key' | 'variables' }

async function take({ connections }: ConnectSiteOptions, visit: Visit, { form, words, kind }: Taking): Promise<Answer> {
  const caller = callerOf(visit)
  const before = connections.get(caller, words)
  // It would go to another address than the one that was read.
  if (before.may.give && form.get('to') !== before.sentTo) throw formExpired()
  try {
    const connection =
      kind === 'key'
        ? await connections.setKey(caller, { words, body: keyIn(form, before.keyParts) })
        : await connections.setVariables(caller, { words, body: { values: valuesIn(form) } })
    // What is still missing stands on the page of the server.
    const page = connection.state === 'connected' ? '/done' : ''
    const owner = encodeURIComponent(ownerWordOf(connection))
    return { seeOther: `${connectPath(connection.server)}${page}?owner=${owner}` }
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'invalid_body') throw error
    const page = serverPage({
      connection: before,
      visitor: signedInOf(visit),
      link: words.link,
      problems: problemsOf(error),
    })
    return { page, status: error.status }
  }
}

const formExpired = (): GatewayError => new GatewayError('forbidden', { details: { reason: 'form_expired' } })

function keyIn(form: Form, parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parts.flatMap((part) => (form.has(part) ? [[part, form.get(part) ?? '']] : [])))
}

const prefix = 'value.'

/** An empty field changes nothing: nobody sees what stands there. */
function valuesIn(form: Form): Record<string, string> {
  const fields = [...form].filter(([name, value]) => name.startsWith(prefix) && value !== '')
  return Object.fromEntries(fields.map(([name, value]) => [name.slice(prefix.length), value]))
}

/** By field; paths and words are ours. */
function problemsOf({ details }: GatewayError): Map<string, string> {
  const problems: unknown = details['problems']
  return new Map(
    (Array.isArray(problems) ? problems : []).flatMap((one: unknown) => {
      if (typeof one !== 'object' || one === null || !('path' in one) || !('problem' in one)) return []
      return [[String(one.path).replace(/^values\./, prefix), String(one.problem)] as const]
    }),
  )
}
