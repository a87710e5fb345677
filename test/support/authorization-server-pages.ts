/** The pages of the authorization server of tests, and a person who fills them in. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'

export async function showInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<form method="post">${interaction.prompt.name}</form>`)
    return
  }
  const form = new URLSearchParams(await readText(request))
  const result = form.has('decline')
    ? { error: 'access_denied', error_description: 'The words of the server' }
    : await agree(provider, interaction, form.get('login') ?? '')
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: !form.has('decline') })
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** To everything that was asked for. */
async function agree(provider: Provider, { prompt, params, session, grantId }: Interaction, login: string) {
  if (prompt.name === 'login') return { login: { accountId: login } }
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant =
    found ?? new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) })
  const { missingOIDCScope, missingResourceScopes } = prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes.join(' '))
  return { consent: { grantId: await grant.save() } }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export type Person = { login: string; declines?: boolean }

/**
 * Goes where a browser would be sent, keeps its cookies, signs in and consents (or declines).
 * @param redirectUri where it stops, without going there
 * @returns the address that the browser is sent back to, with the answer in its query
 */
export async function goThrough(url: string, redirectUri: string, person: Person): Promise<URL> {
  const cookies = new Map<string, string>()
  let at = new URL(url)
  for (let step = 0; step < 20; step++) {
    let answer = await visit(at, cookies, null)
    if (answer.status === 200) answer = await visit(at, cookies, toForm(person, await answer.text()))
    else await answer.body?.cancel()
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`the browser was left with a status of ${answer.status}`)
    at = new URL(location, at)
    if (at.href.startsWith(redirectUri)) return at
  }
  throw new Error('the browser was sent on and on')
}

function toForm({ login, declines }: Person, page: string): URLSearchParams {
  if (declines === true && page.includes('consent')) return new URLSearchParams({ decline: 'yes' })
  return new URLSearchParams({ login })
}

async function visit(url: URL, cookies: Map<string, string>, form: URLSearchParams | null): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await fetch(url, {
    method: form === null ? 'GET' : 'POST',
    headers: { cookie },
    body: form,
    redirect: 'manual',
  })
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '') cookies.delete(name)
    else cookies.set(name, value)
  }
  return answer
}
