/** What a form of the pages sends: fields, each once, from a page of ours. */
import type { IncomingMessage } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { readBody } from '#http/read-body.ts'

export type FormDeps = {
  limits: { managementBytesMax: number; requestTimeoutMs: number }
  clock: Clock
  baseUrl: () => string | null
}

export type Form = ReadonlyMap<string, string>

/** @throws GatewayError `origin_forbidden`, `unsupported_media_type`, `body_too_large`, `body_timeout`, `invalid_params` */
export async function readForm(deps: FormDeps, req: IncomingMessage): Promise<Form> {
  checkOrigin(deps, req)
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new GatewayError('unsupported_media_type', { details: { reason: 'a form is expected' } })
  }
  return toFields(await readText(deps, req))
}

/**
 * The page that the form was on must be one of this very gateway: not another one on this machine, and not one that may only call. A browser
 * that says no origin says at least that it is the same site's (Fetch Metadata).
 */
function checkOrigin({ baseUrl }: FormDeps, { headers }: IncomingMessage): void {
  const { origin } = headers
  const isOurs =
    origin === undefined ? headers['sec-fetch-site'] === 'same-origin' : isOwnOrigin(origin, headers.host, baseUrl())
  if (!isOurs) throw new GatewayError('origin_forbidden')
}

function isOwnOrigin(origin: string, host: string | undefined, baseUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false
  if (baseUrl !== null && new URL(baseUrl).origin === origin) return true
  return host !== undefined && new URL(origin).host === host.toLowerCase()
}

function readText({ limits, clock }: FormDeps, req: IncomingMessage): Promise<string> {
  const { managementBytesMax: requestBytesMax, requestTimeoutMs } = limits
  return new Promise((resolve, reject) =>
    readBody(req, { limits: { requestBytesMax, requestTimeoutMs }, clock }, (result) =>
      typeof result === 'string' ? resolve(result) : reject(result),
    ),
  )
}

function toFields(text: string): Form {
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw new GatewayError('invalid_params', { details: { reason: 'a field is there twice' } })
    fields.set(name, value)
  }
  return fields
}
