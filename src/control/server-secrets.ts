/**
 * A server's secrets are written and never read: what is shown has a mark in their place, and a mark that comes back means "as it was". It
 * does so only where the secret goes where it went before: an editor could otherwise send it to an address of its own.
 */
import { Credential, type Tls } from '#contract/credential.ts'
import type { BodyProblem } from '#contract/parse-body.ts'
import { hideInCredential, hideInTls, hideInParts, hideValues, pathOf, secretMark } from '#contract/secret-places.ts'
import type { SecretText } from '#contract/secret-text.ts'
import { isSecretText } from '#contract/secret-words.ts'
import type { Server } from '#contract/server.ts'
import { Transport, type Variable } from '#contract/transport.ts'
import { canonicalJson } from '#core/protocol/capabilities.ts'

type ServerSpec = Omit<Server, 'name'>
type Remote = Exclude<Transport, { kind: 'stdio' }>
type Stdio = Extract<Transport, { kind: 'stdio' }>

/** @param isEditor arguments of a program may hold what belongs into its environment, so only who may change them sees them */
export function hideSecrets(spec: ServerSpec, { isEditor }: { isEditor: boolean }): ServerSpec {
  const { transport } = spec
  if (transport.kind === 'stdio') return { ...spec, transport: hideInStdio(transport, isEditor) }
  return { ...spec, transport: hideInRemote(transport) }
}

/** What was sent, with the stored secrets in place of the marks; `problems` where there is none, or where it may not go. */
export function keepSecrets(
  sent: ServerSpec,
  stored: ServerSpec | null,
): { spec: ServerSpec; problems: readonly BodyProblem[] } {
  // Where an earlier version stored it, it lacks what this one has by default.
  const known = Transport.safeParse(stored?.transport).data
  const transport = known === undefined ? sent.transport : keepInTransport(sent.transport, known)
  const problems = findMarks(transport, 'transport').map((path) => ({
    path,
    problem: 'must be given: it was not set before, or the address or program has changed',
  }))
  return { spec: { ...sent, transport }, problems }
}

/** Whether what goes with requests goes to the same address or program. */
export function isSameDestination(one: Transport, other: Transport): boolean {
  if (one.kind === 'stdio' || other.kind === 'stdio') return isSameProgram(one, other)
  return one.kind === other.kind && originOf(one.url) === originOf(other.url)
}

/** Many tenants can live on one host: what is secret goes to the path that it was given for, or below it. The query may change. */
export function isWithin(next: Transport, before: Transport): boolean {
  if (!isSameDestination(next, before)) return false
  if (next.kind === 'stdio' || before.kind === 'stdio') return true
  const [path, root] = [new URL(next.url).pathname, new URL(before.url).pathname]
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)
}

function isSameProgram(one: Transport, other: Transport): boolean {
  if (one.kind !== 'stdio' || other.kind !== 'stdio') return false
  return one.command === other.command && one.cwd === other.cwd && isSame(one.args, other.args)
}

/** Of two that go to the same place: whether the secret that stands at this path is used for the same thing in both. */
export function isSameUse(path: string, one: Transport, other: Transport): boolean {
  if (one.kind === 'stdio' || other.kind === 'stdio') return true
  if (path.startsWith('credential.')) return isSameCredential(one.credential, other.credential)
  return !path.startsWith('tls.') || isSame(one.tls ?? {}, other.tls ?? {})
}

/** What servers lack that an earlier version stored. */
const storedBefore: Partial<Pick<Remote, 'variables'>> = { variables: [] }

function hideInRemote(transport: Remote): Remote {
  return { ...storedBefore, ...transport, url: hideInUrl(transport.url), ...hideInParts(transport) }
}

function hideInStdio(transport: Stdio, isEditor: boolean): Stdio {
  return {
    ...transport,
    args: isEditor ? transport.args : transport.args.map(() => secretMark),
    env: hideValues(transport.env),
  }
}

/** Some services put the key into the query, before the host or, hard to guess, into the path. */
function hideInUrl(text: string): string {
  const url = new URL(text)
  const path = pathOf(url)
  const shownPath = path
    .split('/')
    .map((segment) => (isSecretText(segment) ? secretMark : segment))
    .join('/')
  if (url.username === '' && url.password === '' && url.search === '' && shownPath === path) return text
  const user = url.username === '' && url.password === '' ? '' : `${secretMark}@`
  const query = url.search === '' ? '' : `?${secretMark}`
  return `${url.protocol}//${user}${url.host}${shownPath}${query}`
}

function keepInTransport(sent: Transport, stored: Transport): Transport {
  if (sent.kind === 'stdio' || stored.kind === 'stdio') {
    return sent.kind === 'stdio' && stored.kind === 'stdio' ? keepInStdio(sent, stored) : sent
  }
  const url = sent.url === hideInUrl(stored.url) ? stored.url : sent.url
  if (!isWithin({ ...sent, url }, stored)) return sent
  const { headers, credential, variables, tls } = sent
  return {
    ...sent,
    url,
    headers: keepValues(headers, stored.headers),
    credential: keepInCredential(credential, stored.credential),
    variables: variables.map((variable) => keepInVariable(variable, stored.variables)),
    ...(tls !== undefined && stored.tls !== undefined && { tls: keepInTls(tls, stored.tls) }),
  }
}

function keepInStdio(sent: Stdio, stored: Stdio): Stdio {
  return isSameDestination(sent, stored) ? { ...sent, env: keepValues(sent.env, stored.env) } : sent
}

/** Members that say neither where a secret goes nor what is made of it there. */
const adjustable = ['scopes', 'helpUrl', 'timeoutMs', 'tokenTtlMs']

/** Of the same kind, for the same header, and to the same authorization server. */
function keepInCredential(sent: Remote['credential'], stored: Remote['credential']): Remote['credential'] {
  const shown = hideInCredential(stored)
  if (!isSameCredential(sent, shown)) return sent
  const adjusted = Object.entries(sent).filter(([key]) => adjustable.includes(key))
  return Credential.parse({ ...without(stored, adjustable), ...Object.fromEntries(adjusted) })
}

function isSameCredential(one: Remote['credential'], other: Remote['credential']): boolean {
  return useOf(one) === useOf(other)
}

/** One text for all that a credential is, and is used for: where it is another one, what was given was not given for that. */
export function useOf(credential: object): string {
  return canonicalJson(without(credential, adjustable))
}

function keepInTls(sent: Tls, stored: Tls): Tls {
  return isSame(sent, hideInTls(stored)) ? stored : sent
}

function keepInVariable(sent: Variable, stored: readonly Variable[]): Variable {
  const known = stored.find(({ name }) => name === sent.name)?.value
  return sent.value === secretMark && known !== undefined ? { ...sent, value: known } : sent
}

function without(members: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(members).filter(([key]) => !keys.includes(key)))
}

/** Without regard to the order of members. */
function isSame(one: object, other: object): boolean {
  return canonicalJson(one) === canonicalJson(other)
}

function keepValues(
  sent: Readonly<Record<string, SecretText>>,
  stored: Readonly<Record<string, SecretText>>,
): Record<string, SecretText> {
  return Object.fromEntries(
    Object.entries(sent).map(([key, value]) => {
      // A header may be called `constructor`: what every object has is no value of before.
      const known = Object.hasOwn(stored, key) ? stored[key] : undefined
      return [key, value === secretMark ? (known ?? value) : value]
    }),
  )
}

function originOf(text: string): string {
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}`
}

/** Paths at which a mark was left. */
function findMarks(value: unknown, path: string): string[] {
  if (typeof value === 'string') return value.includes(secretMark) ? [path] : []
  if (Array.isArray(value)) return value.flatMap((item, index) => findMarks(item, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => findMarks(item, `${path}.${key}`))
}
