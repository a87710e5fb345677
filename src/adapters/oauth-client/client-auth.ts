/** How the gateway says at an endpoint of an authorization server who it is (RFC 6749 §2.3, RFC 7523 §2.2). */
import { randomUUID } from 'node:crypto'
import { GatewayError } from '#contract/errors.ts'
import type { ClientAuth, ClientIdentity } from '#core/credential/oauth-client.ts'

/** What is added to a form, and to its headers. */
export type ClientProof = { fields: Readonly<Record<string, string>>; headers: Readonly<Record<string, string>> }

export type ProofContext = { issuer: string; nowMs: number }

export async function proveClient({ clientId, auth }: ClientIdentity, context: ProofContext): Promise<ClientProof> {
  const fields = { client_id: clientId }
  switch (auth.method) {
    case 'client_secret_basic':
      return { fields: {}, headers: { authorization: toBasic(clientId, auth.secret) } }
    case 'client_secret_post':
      return { fields: { ...fields, client_secret: auth.secret }, headers: {} }
    case 'private_key_jwt':
      return { fields: { ...fields, ...(await toAssertion(clientId, auth, context)) }, headers: {} }
    default:
      return { fields, headers: {} }
  }
}

/** RFC 6749 §2.3.1: both parts are form-encoded. A form leaves hyphens as they are, and servers that do not decode are used to them. */
function toBasic(clientId: string, secret: string): string {
  const [user, password] = [clientId, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1))
  return `Basic ${btoa(`${user}:${password}`)}`
}

type KeyAuth = Extract<ClientAuth, { method: 'private_key_jwt' }>

/** The clocks of two machines differ; an assertion is used at once. */
const assertionSeconds = 60

type Assertion = { client_assertion_type: string; client_assertion: string }

async function toAssertion(clientId: string, auth: KeyAuth, context: ProofContext): Promise<Assertion> {
  try {
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await signAssertion(clientId, auth, context),
    }
  } catch {
    // No cause: it may quote the key.
    throw new GatewayError('config_invalid', { details: { reason: 'invalid_key' } })
  }
}

/** The audience is the issuer: one that is good at another server's endpoint as well could be passed on to it (RFC 7523bis §3). */
async function signAssertion(clientId: string, auth: KeyAuth, { issuer, nowMs }: ProofContext): Promise<string> {
  const { importPKCS8, SignJWT } = await import('jose')
  const now = Math.floor(nowMs / 1_000)
  const assertion = new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: auth.algorithm, ...(auth.keyId !== null && { kid: auth.keyId }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + assertionSeconds)
  return assertion.sign(await importPKCS8(auth.privateKey, auth.algorithm))
}
