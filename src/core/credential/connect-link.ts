/**
 * Addresses of the connect pages. One that is made for somebody says, sealed, for whom: who reads it learns nothing, and who opens it still has
 * to sign in as somebody who may (MCP, elicitation in URL mode: such a URL is not authenticated by itself).
 */
import type { Clock } from '#core/clock.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { Sealer } from './sealer.ts'
import type { CredentialOwner } from './stored-credential.ts'

export type LinkDeps = {
  sealer: Sealer
  clock: Pick<Clock, 'now'>
  /** How people reach this gateway, without a slash at its end; null where that is not known yet. */
  baseUrl: () => string | null
}

/** Which server is to be connected, and for whom. */
export type ConnectAim = {
  serverId: string
  owner: CredentialOwner
  /** Of the question that a client was asked; null: of none. */
  elicitationId: string | null
}

const lifeMs = 86_400_000
const charsMax = 2_000
const context = 'connect link'

/** Paths below `/connect` that mean something else: a server of such a name is found by its id. */
export const connectWords = { callback: 'callback', signIn: 'sign-in', signOut: 'sign-out' } as const
const words = new Set<string>(Object.values(connectWords))

/** The page of a server; its name is what people read. */
export function connectPath({ id, name }: { id: string; name: string }): string {
  return `/connect/${encodeURIComponent(words.has(name) ? id : name)}`
}

/**
 * The address that a person is shown who is to connect this server for this owner: good for a day. Null where the gateway's own is not known.
 * To be made for somebody whose call has led to the server, for it lets who may act for the owner see that server.
 */
export function connectUrl(
  { sealer, clock, baseUrl }: LinkDeps,
  server: { id: string; name: string },
  { owner, elicitationId = null }: { owner: CredentialOwner; elicitationId?: string | null },
): string | null {
  const base = baseUrl()
  if (base === null) return null
  const said = { server: server.id, ...owner, elicitation: elicitationId, until: clock.now() + lifeMs }
  return `${base}${connectPath(server)}?for=${encodeURIComponent(sealer.seal(JSON.stringify(said), context))}`
}

/** @param text of `for`. Null where it is none of ours, or has ended. */
export function openLink({ sealer, clock }: Pick<LinkDeps, 'sealer' | 'clock'>, text: string): ConnectAim | null {
  const opened = text.length > charsMax ? null : sealer.open(text, context)
  const said: unknown = opened === null ? null : JSON.parse(opened)
  if (!isJsonObject(said)) return null
  const { server, kind, ref, elicitation, until } = said
  const owner = toOwner(kind, ref)
  if (typeof server !== 'string' || !owner || typeof until !== 'number' || until <= clock.now()) return null
  return { serverId: server, owner, elicitationId: typeof elicitation === 'string' ? elicitation : null }
}

function toOwner(kind: unknown, ref: unknown): CredentialOwner | null {
  if (kind === 'gateway') return { kind, ref: '' }
  return (kind === 'user' || kind === 'team') && typeof ref === 'string' ? { kind, ref } : null
}
