/**
 * What the keys of one server mean for each other. These read the raw document, not the parsed one, so they speak up
 * even where other things are wrong, and all problems are told at once.
 */
import type { ServerFault } from '#contract/server-fault.ts'
import { findServerFaults } from '#contract/server-faults.ts'
import type { Finding } from './describe-issue.ts'
import type { KeyPath } from './key-path.ts'
import { transportKind } from './server-definition.ts'

type Raw = Readonly<Record<string, unknown>>
type Check = (raw: Raw) => ServerFault[]

const remoteKeys = ['credential', 'headers', 'forwardHeaders', 'cookies', 'variables', 'tls']
const stdioKeys = ['args', 'env', 'cwd']

const checks: readonly Check[] = [checkKind, checkOtherKeys, checkTransport, checkUserInfo, findServerFaults]

export function checkServer(path: KeyPath, raw: Raw): Finding[] {
  return checks
    .flatMap((check) => check(raw))
    .map(({ keys, message, isAboutKey }) => ({ path: [...path, ...keys], message, isAboutKey: isAboutKey ?? false }))
}

function checkKind(raw: Raw): ServerFault[] {
  if (has(raw, 'url') && has(raw, 'command')) {
    return [{ keys: ['command'], message: 'excludes "url": a server is either reached or started', isAboutKey: true }]
  }
  return has(raw, 'url') || has(raw, 'command') ? [] : [{ keys: [], message: 'needs "url" or "command"' }]
}

function checkOtherKeys(raw: Raw): ServerFault[] {
  if (has(raw, 'url') === has(raw, 'command')) return []
  const [foreign, owner] = has(raw, 'url') ? [stdioKeys, 'command'] : [remoteKeys, 'url']
  const message = `belongs to a server with "${owner}"`
  return foreign.filter((key) => has(raw, key)).map((key) => ({ keys: [key], message, isAboutKey: true }))
}

function checkTransport(raw: Raw): ServerFault[] {
  const kind = transportKind(raw)
  if (kind === null || raw.transport === undefined || has(raw, 'url') === has(raw, 'command')) return []
  if (has(raw, 'url'))
    return kind === 'stdio' ? [transportFault('must not be "stdio" with "url"')] : checkScheme(raw, kind)
  return kind === 'stdio' ? [] : [transportFault('must be "stdio" with "command"')]
}

function checkScheme({ url }: Raw, kind: string): ServerFault[] {
  const scheme = typeof url === 'string' ? /^(https?|wss?):/i.exec(url)?.[1]?.toLowerCase() : undefined
  if (scheme === undefined || scheme.startsWith('ws') === (kind === 'websocket')) return []
  const fitting = kind === 'websocket' ? 'ws:// or wss://' : 'http:// or https://'
  return [{ keys: ['url'], message: `must start with ${fitting} for the transport that is named` }]
}

function transportFault(message: string): ServerFault {
  return { keys: ['transport'], message }
}

function checkUserInfo(raw: Raw): ServerFault[] {
  if (typeof raw.url !== 'string' || !URL.canParse(raw.url)) return []
  const { username, password } = new URL(raw.url)
  const message = 'must not contain a user name or a password; use "credential" with kind "basic"'
  return username === '' && password === '' ? [] : [{ keys: ['url'], message }]
}

function has(raw: Raw, key: string): boolean {
  return Object.hasOwn(raw, key)
}
