/** What parts of the document mean for each other: names that clash, and names of things that are not there. */
import { createHash } from 'node:crypto'
import { everyCookieRule, isSameSite } from '#contract/same-site.ts'
import type { Finding } from './describe-issue.ts'
import { findClosest } from './did-you-mean.ts'
import { isRecord, isShownKey } from './key-path.ts'
import { checkNamedSecrets } from './named-secrets.ts'
import { checkServer } from './server-checks.ts'

type Raw = Readonly<Record<string, unknown>>

/** `document` is as it was read, and may be wrong in any way. */
export function crossCheck(document: unknown): Finding[] {
  if (!isRecord(document)) return []
  const servers = recordAt(document, 'servers')
  return [
    ...Object.entries(servers).flatMap(([name, raw]) => (isRecord(raw) ? checkServer(['servers', name], raw) : [])),
    ...checkNamedSecrets({ servers, secrets: recordAt(document, 'secrets') }),
    ...checkSeparator(document, servers),
    ...checkEveryCookie(document, servers),
    ...checkAliases(servers),
    ...checkTokenNames(document),
    ...checkTokenSecrets(document),
    ...checkTokenPolicies(document),
    ...checkPolicyNames(document),
    ...checkRules(document, servers),
  ]
}

/** With the separator inside a name, `a-b` + `c` and `a` + `b-c` would be one tool. */
function checkSeparator(document: Raw, servers: Raw): Finding[] {
  const { separator } = recordAt(document, 'naming')
  if (typeof separator !== 'string' || separator === '__') return []
  const message = 'contains the separator that "naming" sets'
  const names = Object.keys(servers).filter((name) => name.includes(separator))
  const aliases = aliasesOf(servers).filter(({ alias }) => alias.includes(separator))
  return [
    ...names.map((name) => ({ path: ['servers', name], message, isAboutKey: true })),
    ...aliases.map(({ path }) => ({ path, message, isAboutKey: false })),
  ]
}

/** Its own host is the only one whose cookies a browser sends to the gateway. */
function checkEveryCookie(document: Raw, servers: Raw): Finding[] {
  const { publicUrl } = recordAt(document, 'listen')
  return Object.entries(servers).flatMap(([name, raw]): Finding[] => {
    const cookies = isRecord(raw) ? recordAt(raw, 'cookies') : {}
    const position = Array.isArray(cookies.names) ? cookies.names.indexOf('*') : -1
    if (position < 0 || !isRecord(raw) || typeof raw.url !== 'string') return []
    if (isSameSite({ publicUrl: typeof publicUrl === 'string' ? publicUrl : null, upstreamUrl: raw.url })) return []
    return [{ path: ['servers', name, 'cookies', 'names', position], message: everyCookieRule, isAboutKey: false }]
  })
}

function checkAliases(servers: Raw): Finding[] {
  const owners = new Map<string, string>()
  return aliasesOf(servers).flatMap(({ alias, owner, path }) => {
    const earlier = owners.get(alias)
    owners.set(alias, earlier ?? owner)
    if (Object.hasOwn(servers, alias)) return [{ path, message: 'is the name of a server', isAboutKey: false }]
    if (earlier === undefined) return []
    return [{ path, message: `is already an alias of ${nameOf(earlier)}`, isAboutKey: false }]
  })
}

function checkTokenNames(document: Raw): Finding[] {
  return repeated(document, (token) => (typeof token.name === 'string' ? token.name : null)).map((index) => ({
    path: ['tokens', index, 'name'],
    message: 'is already the name of another token',
    isAboutKey: false,
  }))
}

function checkTokenSecrets(document: Raw): Finding[] {
  const missing = tokensOf(document).flatMap(({ token, index }): Finding[] => {
    const path = ['tokens', index]
    const count = ['secret', 'hash'].filter((key) => Object.hasOwn(token, key)).length
    if (count === 1) return []
    const message = count === 0 ? 'needs "secret" or "hash"' : '"secret" and "hash" exclude each other'
    return [{ path, message, isAboutKey: false }]
  })
  const same = repeated(document, hashOf).map((index) => ({
    path: ['tokens', index],
    message: 'is the same token as another one; nobody could tell them apart',
    isAboutKey: false,
  }))
  return [...missing, ...same]
}

function hashOf({ secret, hash }: Raw): string | null {
  if (typeof secret === 'string') return `sha256:${createHash('sha256').update(secret).digest('hex')}`
  return typeof hash === 'string' ? hash.toLowerCase() : null
}

function checkTokenPolicies(document: Raw): Finding[] {
  const known = Object.keys(recordAt(document, 'policies'))
  return tokensOf(document).flatMap(({ token, index }) => {
    const names = Array.isArray(token.policies) ? token.policies : []
    return names.flatMap((name: unknown, position): Finding[] => {
      if (typeof name !== 'string' || name === '' || known.includes(name)) return []
      const closest = findClosest(name, known.filter(isShownKey))
      const hint = closest === null ? '' : `; did you mean "${closest}"?`
      const path = ['tokens', index, 'policies', position]
      return [{ path, message: `names a policy that is not there${hint}`, isAboutKey: false }]
    })
  })
}

/** The first admin token holds a policy of ours, which no document may replace. */
function checkPolicyNames(document: Raw): Finding[] {
  return Object.keys(recordAt(document, 'policies'))
    .filter((name) => name.startsWith('toolgate-'))
    .map((name) => ({ path: ['policies', name], message: 'must not start with "toolgate-"', isAboutKey: true }))
}

/** A rule that names an alias would never match, and a denial that never matches is a hole. */
function checkRules(document: Raw, servers: Raw): Finding[] {
  const owners = new Map(aliasesOf(servers).map(({ alias, owner }) => [alias, owner]))
  return Object.entries(recordAt(document, 'policies')).flatMap(([policy, raw]) => {
    const rules = isRecord(raw) && Array.isArray(raw.rules) ? raw.rules : []
    return rules.flatMap((rule: unknown, index): Finding[] => {
      if (!isRecord(rule) || typeof rule.server !== 'string' || Object.hasOwn(servers, rule.server)) return []
      const owner = owners.get(rule.server)
      const path = ['policies', policy, 'rules', index, 'server']
      return owner === undefined
        ? []
        : [{ path, message: `is an alias; rules use the real name of ${nameOf(owner)}`, isAboutKey: false }]
    })
  })
}

/** Positions of the tokens of which an earlier one has the same non-null mark. */
function repeated(document: Raw, markOf: (token: Raw) => string | null): number[] {
  const seen = new Set<string>()
  return tokensOf(document).flatMap(({ token, index }) => {
    const mark = markOf(token)
    const isKnown = mark !== null && seen.has(mark)
    if (mark !== null) seen.add(mark)
    return isKnown ? [index] : []
  })
}

function tokensOf(document: Raw): { token: Raw; index: number }[] {
  const tokens: unknown[] = Array.isArray(document.tokens) ? document.tokens : []
  return tokens.flatMap((token, index) => (isRecord(token) ? [{ token, index }] : []))
}

function aliasesOf(servers: Raw): { alias: string; owner: string; path: (string | number)[] }[] {
  return Object.entries(servers).flatMap(([owner, raw]) => {
    const aliases: unknown[] = isRecord(raw) && Array.isArray(raw.aliases) ? raw.aliases : []
    return aliases.flatMap((alias, index) =>
      typeof alias === 'string' ? [{ alias, owner, path: ['servers', owner, 'aliases', index] }] : [],
    )
  })
}

function nameOf(server: string): string {
  return isShownKey(server) ? `"${server}"` : 'another server'
}

function recordAt(document: Raw, key: string): Raw {
  const value = document[key]
  return isRecord(value) ? value : {}
}
