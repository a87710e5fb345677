/** Signing in and out. */
import { GatewayError } from '#contract/errors.ts'
import { signIn } from '#control/passwords.ts'
import { connectPath } from '#core/credential/connect-link.ts'
import { mintSignInToken } from '#core/identity/sign-in-token.ts'
import { signInPage, type Aim } from './other-pages.ts'
import type { Form } from './read-form.ts'
import type { Answer, ConnectSiteOptions, Visit } from './visit.ts'
import { signInCookie, type Visitor } from './visitor.ts'

/** Where they wanted to go they go afterwards. */
export function askToSignIn({ formToken, cookies }: Visitor, aim: Aim, refusal?: GatewayError): Answer {
  const page = signInPage({ formToken, aim, isRefused: refusal !== undefined })
  return { page, cookies, ...(refusal && { status: refusal.status }) }
}

export async function letIn(options: ConnectSiteOptions, visit: Visit, form: Form): Promise<Answer> {
  const { keys, clock, clientOf } = options
  const aim: Aim = { server: form.get('server'), for: form.get('for'), owner: form.get('owner') }
  const [name, password] = [form.get('name') ?? '', form.get('password') ?? '']
  try {
    const { requestId, req } = visit
    const { id, spec } = await signIn(options, { name, password, address: clientOf(req), requestId })
    const signedIn = { userId: id, passwordSetAt: spec.passwordSetAt ?? 0 }
    const { text, expiresIn } = mintSignInToken(signedIn, { keys, now: clock.now() })
    return { seeOther: pathOf(aim), cookies: [signInCookie(options, text, expiresIn)] }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unauthorized') return askToSignIn(visit.visitor, aim, error)
    throw error
  }
}

/** Always one of these pages: what a form says is a name and never an address. */
function pathOf({ server, for: link, owner }: Aim): string {
  if (server === undefined) return '/connect'
  const query = new URLSearchParams({ ...(link !== undefined && { for: link }), ...(owner !== undefined && { owner }) })
  const path = connectPath({ id: server, name: server })
  return query.size === 0 ? path : `${path}?${query.toString()}`
}
