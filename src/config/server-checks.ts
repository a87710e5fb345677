/**
 * What the keys of one server mean for each other. These read the raw document, not the parsed one, so they speak up
 * even where other things are wrong, and all problems are told at once.
 */
import type { Finding } from './describe-issue.ts'
import { isRecord } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import { transportKind } from './server-definition.ts'

type Raw = Readonly<Record<string, unknown>>
type Check = (raw: Raw) => Fault[]
/** `keys` lead from the server to the value. */
type Fault = { readonly keys: readonly string[]; readonly message: string; readonly isAboutKey?: true }

const remoteKeys = ['credential', 'headers']
const stdioKeys = ['args', 'env', 'cwd']

/** The gateway writes these itself, for every message anew. */
const ownHeaders = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
  'upgrade',
])

const checks: readonly Check[] = [
  checkKind,
  checkOtherKeys,
  checkTransport,
  checkUserInfo,
  checkHeaders,
  checkCredential,
]

export function checkServer(path: KeyPath, raw: Raw): Finding[] {
  return checks
    .flatMap((check) => check(raw))
    .map(({ keys, message, isAboutKey }) => ({ path: [...path, ...keys], message, isAboutKey: isAboutKey ?? false }))
}

function checkKind(raw: Raw): Fault[] {
  if (has(raw, 'url') && has(raw, 'command')) {
    return [{ keys: ['command'], message: 'excludes "url": a server is either reached or started', isAboutKey: true }]
  }
  return has(raw, 'url') || has(raw, 'command') ? [] : [{ keys: [], message: 'needs "url" or "command"' }]
}

function checkOtherKeys(raw: Raw): Fault[] {
  if (has(raw, 'url') === has(raw, 'command')) return []
  const [foreign, owner] = has(raw, 'url') ? [stdioKeys, 'command'] : [remoteKeys, 'url']
  const message = `belongs to a server with "${owner}"`
  return foreign.filter((key) => has(raw, key)).map((key) => ({ keys: [key], message, isAboutKey: true }))
}

function checkTransport(raw: Raw): Fault[] {
  const kind = transportKind(raw)
  if (kind === null || raw.transport === undefined || has(raw, 'url') === has(raw, 'command')) return []
  if (has(raw, 'url'))
    return kind === 'stdio' ? [transportFault('must not be "stdio" with "url"')] : checkScheme(raw, kind)
  return kind === 'stdio' ? [] : [transportFault('must be "stdio" with "command"')]
}

function checkScheme({ url }: Raw, kind: string): Fault[] {
  const scheme = typeof url === 'string' ? /^(https?|wss?):/i.exec(url)?.[1]?.toLowerCase() : undefined
  if (scheme === undefined || scheme.startsWith('ws') === (kind === 'websocket')) return []
  const fitting = kind === 'websocket' ? 'ws:// or wss://' : 'http:// or https://'
  return [{ keys: ['url'], message: `must start with ${fitting} for the transport that is named` }]
}

function transportFault(message: string): Fault {
  return { keys: ['transport'], message }
}

function checkUserInfo(raw: Raw): Fault[] {
  if (typeof raw.url !== 'string' || !URL.canParse(raw.url)) return []
  const { username, password } = new URL(raw.url)
  const message = 'must not contain a user name or a password; use "credential" with kind "basic"'
  return username === '' && password === '' ? [] : [{ keys: ['url'], message }]
}

function checkHeaders(raw: Raw): Fault[] {
  const seen = new Set<string>()
  return headerNames(raw).flatMap((name): Fault[] => {
    const lower = name.toLowerCase()
    const isRepeated = seen.has(lower)
    seen.add(lower)
    if (isRepeated) return [headerFault(name, 'is the same header as one above, in other letters')]
    return ownHeaders.has(lower) ? [headerFault(name, 'is written by the gateway itself')] : []
  })
}

/** Two values for one header: which one counts would be the server's choice. */
function checkCredential(raw: Raw): Fault[] {
  const taken = credentialHeader(raw.credential)
  return headerNames(raw)
    .filter((name) => (name.toLowerCase() === 'authorization' ? taken !== null : name.toLowerCase() === taken))
    .map((name) => headerFault(name, 'cannot be set together with this "credential"; keep one of the two'))
}

/** The header that the credential fills, in lower case. */
function credentialHeader(credential: unknown): string | null {
  if (!isRecord(credential) || typeof credential.kind !== 'string' || credential.kind === 'none') return null
  if (credential.kind !== 'api_key') return 'authorization'
  return typeof credential.header === 'string' ? credential.header.toLowerCase() : 'x-api-key'
}

function headerNames(raw: Raw): string[] {
  return isRecord(raw.headers) ? Object.keys(raw.headers) : []
}

function headerFault(name: string, message: string): Fault {
  return { keys: ['headers', name], message, isAboutKey: true }
}

function has(raw: Raw, key: string): boolean {
  return Object.hasOwn(raw, key)
}
