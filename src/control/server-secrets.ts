/**
 * A server's secrets are written and never read: what is shown has a mark in their place, and a mark that comes back means "as it was". It
 * does so only where the secret goes where it went before: an editor could otherwise send it to an address of its own.
 */
import type { BodyProblem } from '#contract/parse-body.ts'
import type { Server, Transport } from '#contract/server.ts'

const secretMark = '[secret]'

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
  const transport = stored === null ? sent.transport : keepInTransport(sent.transport, stored.transport)
  const problems = findMarks(transport, 'transport').map((path) => ({
    path,
    problem: 'must be given: it was not set before, or the address or program has changed',
  }))
  return { spec: { ...sent, transport }, problems }
}

function hideInRemote(transport: Remote): Remote {
  return {
    ...transport,
    url: hideInUrl(transport.url),
    credential: hideInCredential(transport.credential),
    headers: hideValues(transport.headers),
  }
}

function hideInStdio(transport: Stdio, isEditor: boolean): Stdio {
  return {
    ...transport,
    args: isEditor ? transport.args : transport.args.map(() => secretMark),
    env: hideValues(transport.env),
  }
}

function hideInCredential(credential: Remote['credential']): Remote['credential'] {
  switch (credential.kind) {
    case 'none':
      return credential
    case 'bearer':
      return { ...credential, token: secretMark }
    case 'api_key':
      return { ...credential, key: secretMark }
    case 'basic':
      return { ...credential, password: secretMark }
  }
  return credential satisfies never
}

function hideValues(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(record).map((key) => [key, secretMark]))
}

/** Some services put the key into the query or before the host. */
function hideInUrl(text: string): string {
  const url = new URL(text)
  if (url.username === '' && url.password === '' && url.search === '') return text
  const user = url.username === '' && url.password === '' ? '' : `${secretMark}@`
  const query = url.search === '' ? '' : `?${secretMark}`
  return `${url.protocol}//${user}${url.host}${url.pathname}${query}`
}

function keepInTransport(sent: Transport, stored: Transport): Transport {
  if (sent.kind === 'stdio' || stored.kind === 'stdio') {
    return sent.kind === 'stdio' && stored.kind === 'stdio' ? keepInStdio(sent, stored) : sent
  }
  const url = sent.url === hideInUrl(stored.url) ? stored.url : sent.url
  if (sent.kind !== stored.kind || originOf(url) !== originOf(stored.url)) return sent
  const headers = keepValues(sent.headers, stored.headers)
  return { ...sent, url, headers, credential: keepInCredential(sent.credential, stored.credential) }
}

function keepInStdio(sent: Stdio, stored: Stdio): Stdio {
  const isSame =
    sent.command === stored.command &&
    sent.cwd === stored.cwd &&
    JSON.stringify(sent.args) === JSON.stringify(stored.args)
  return isSame ? { ...sent, env: keepValues(sent.env, stored.env) } : sent
}

/** Of the same kind, and for the same header. */
function keepInCredential(sent: Remote['credential'], stored: Remote['credential']): Remote['credential'] {
  return JSON.stringify(sent) === JSON.stringify(hideInCredential(stored)) ? stored : sent
}

function keepValues(
  sent: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>>,
): Record<string, string> {
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
