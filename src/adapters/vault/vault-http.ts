/** Questions to a HashiCorp Vault or OpenBao over its HTTP API. No error here holds a token, or words of the one who was asked. */
import { readFileSync } from 'node:fs'
import request from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { GatewayError } from '#contract/errors.ts'
import { isLoopbackHost } from '#contract/loopback.ts'

export type VaultHttpOptions = {
  address: string
  namespace: string | undefined
  /** A PEM file; undefined: what Node trusts. */
  ca: string | undefined
}

export type VaultAnswer = { status: number; body: unknown }

export interface VaultHttp {
  /** For people. */
  readonly address: string
  /**
   * POST, with a JSON object both ways. A connection of its own for each question: they are few.
   * @param path below `/v1/`
   * @returns an answer of whatever status below 500 that is no redirect
   * @throws GatewayError `vault_unavailable`, `config_invalid`
   */
  ask(path: string, body: object, token: string | null): Promise<VaultAnswer>
}

const connectMs = 5_000
const answerMs = 10_000
/** A wrapped key is some hundred characters long. */
const answerBytesMax = 65_536

/** @throws GatewayError `config_invalid` */
export function createVaultHttp({ address, namespace, ca }: VaultHttpOptions): VaultHttp {
  const url = toUrl(address)
  const connect = { timeout: connectMs, ...(ca !== undefined && { ca: readCertificates(ca) }) }
  const headers = {
    'content-type': 'application/json',
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  }
  return {
    address: url.origin,
    async ask(path, body, token) {
      await using pool = toDisposable(
        new Pool(url.origin, { connections: 1, connect, maxResponseSize: answerBytesMax }),
      )
      try {
        const { statusCode, body: answer } = await request.call(pool, {
          method: 'POST',
          path: `${url.pathname.replace(/\/$/, '')}/v1/${path}`,
          headers: { ...headers, ...(token !== null && { 'x-vault-token': token }) },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(answerMs),
        })
        const text = await answer.text()
        return checkAnswer({ status: statusCode, body: parse(text) }, url.origin)
      } catch (error) {
        throw error instanceof GatewayError ? error : unavailable(url.origin, whyFailed(error))
      }
    },
  }
}

/** A token on its way to another machine must not be readable. */
function toUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return url
  throw refusal('The address of the vault must be https://…, or http://… on this very machine.')
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw refusal(`The certificates ${path} cannot be read.`)
  }
}

function toDisposable(pool: Pool): Pool & AsyncDisposable {
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.destroy() })
}

/** What is no JSON is looked at by who reads it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function checkAnswer(answer: VaultAnswer, origin: string): VaultAnswer {
  const { status } = answer
  if (status === 503) throw unavailable(origin, 'is sealed, or in maintenance (503)')
  if (status >= 500 || status === 429) throw unavailable(origin, `answers with ${status}`)
  if (status >= 300 && status < 400)
    throw refusal(`The vault at ${origin} redirects (${status}). Name the active node, or what stands before it.`)
  return answer
}

function whyFailed(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `answers with more than ${answerBytesMax} bytes`
  const isLate = error instanceof Error && error.name === 'TimeoutError'
  return isLate ? `does not answer within ${answerMs} ms` : `cannot be reached${code === null ? '' : ` (${code})`}`
}

function unavailable(origin: string, why: string): GatewayError {
  return new GatewayError('vault_unavailable', { details: { reason: `The vault at ${origin} ${why}.` } })
}

export function refusal(reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { reason } })
}
