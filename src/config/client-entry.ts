/** One server of a client's file, key by key. Clients agree on most keys and differ in the rest. */
import { isRecord } from './key-path.ts'
import type { ServerEntry } from './server-definition.ts'

type Raw = Readonly<Record<string, unknown>>

/** Keys that mean nothing here are left behind. May be incomplete: the caller checks it. */
export function toEntry(raw: Raw): ServerEntry {
  const enabled = raw.disabled === true || raw.enabled === false ? { isEnabled: false } : {}
  if (typeof raw.command === 'string') return { ...toProcess(raw, raw.command), ...enabled }
  const url = [raw.url, raw.serverUrl, raw.httpUrl].find((value) => typeof value === 'string')
  return url === undefined ? {} : { ...toRemote(raw, url), ...enabled }
}

function toProcess(raw: Raw, command: string): ServerEntry {
  const args = Array.isArray(raw.args) ? raw.args.filter(isScalar).map(String) : []
  const env = toTexts(raw.env)
  return {
    command,
    ...(args.length > 0 && { args }),
    ...(Object.keys(env).length > 0 && { env }),
    ...(typeof raw.cwd === 'string' && { cwd: raw.cwd }),
  }
}

function toRemote(raw: Raw, url: string): ServerEntry {
  const headers = toTexts(raw.headers)
  return {
    url,
    ...(isSse(raw, url) && { transport: 'sse' as const }),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

/** Clients without a `type` try Streamable HTTP and fall back to SSE; by custom, such an address ends in `/sse`. */
function isSse({ type, transport }: Raw, url: string): boolean {
  const kind = type ?? transport
  return typeof kind === 'string' ? kind.toLowerCase() === 'sse' : /\/sse\/?(\?|$)/.test(url)
}

function toTexts(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) => (isScalar(text) ? [[key, String(text)] as const] : [])),
  )
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** Behind itself the gateway would call itself until a limit is reached. */
export function isToolgateItself({ command, args }: Raw): boolean {
  const rest: unknown[] = Array.isArray(args) ? args : []
  const words = [command, ...rest]
  const isOurs = words.some((word) => typeof word === 'string' && /(^|[\\/])toolgate(@[\w.-]+|\.\w+)?$/.test(word))
  return isOurs && words.includes('bridge')
}
