/** Asks for the documents in which servers describe themselves, at one well-known place after the other. */
import { GatewayError } from '#contract/errors.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { checkServerIsUp, readObject, type JsonObject } from './json-answer.ts'
import { serverFailed, type OAuthStep } from './oauth-failure.ts'

const documentTimeoutMs = 10_000

/**
 * Whether there is a document is a server's own matter: a status of 4xx, or a page of its own in place of JSON, says that there is none.
 * @returns null: there is none at this address
 * @throws GatewayError: of the guard; `not_json`, `server_unavailable`, `unexpected_status`
 */
export async function findDocument(fetch: GuardedFetch, url: string, step: OAuthStep): Promise<JsonObject | null> {
  const answer = await fetch(url, { method: 'GET', timeoutMs: documentTimeoutMs, step })
  checkServerIsUp(answer, step)
  if (answer.status >= 400) return null
  if (answer.status !== 200) throw serverFailed('unexpected_status', step, { status: answer.status })
  const found = readObject(answer)
  const claimsJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(answer.contentType)
  if (found === null && claimsJson) throw serverFailed('not_json', step)
  return found
}

/**
 * The first document of these addresses, asked one after the other. A server that fails at one of them may know the next; if none is found, its
 * failure is what is told.
 */
export async function findFirstDocument(
  fetch: GuardedFetch,
  urls: readonly string[],
  step: OAuthStep,
): Promise<JsonObject | null> {
  let failure: GatewayError | null = null
  for (const url of urls) {
    try {
      const found = await findDocument(fetch, url, step)
      if (found !== null) return found
    } catch (error) {
      if (!isOutage(error)) throw error
      failure ??= error
    }
  }
  if (failure !== null) throw failure
  return null
}

function isOutage(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.details['reason'] === 'server_unavailable'
}

/** `/.well-known/<name>` before the path (RFC 8414 §3.1, RFC 9728 §3.1). */
export function insertWellKnown(url: URL, name: string): string {
  return `${url.origin}/.well-known/${name}${url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '')}`
}
