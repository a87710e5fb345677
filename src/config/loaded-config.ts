/** The configuration in the contract's words, and what `explain` needs to know about where it came from. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { Policy } from '#contract/policy.ts'
import type { Limits } from '#contract/limits.ts'
import type { Server } from '#contract/server.ts'
import type { Place } from './read-document.ts'
import type { KeyPath } from './key-path.ts'
import type { ConfigDocument, ConfiguredToken } from './schema.ts'
import { toServer } from './server-definition.ts'

export type ConfigToken = {
  readonly name: string
  /** Lower-case hex SHA-256 of the whole token. The token itself is nowhere. */
  readonly hash: string
  readonly policies: readonly string[]
  /** Unix time in milliseconds, or null: never. */
  readonly expiresAt: number | null
}

export type ConfigSecret = { readonly name: string; readonly value: string }

/** Deeply frozen. Printed or turned into JSON it shows the document with every secret masked. */
export type LoadedConfig = {
  /** The file, or null where there is none. */
  readonly path: string | null
  readonly listen: ConfigDocument['listen']
  readonly storage: {
    /** Absolute. */
    readonly path: string
    /** Addresses that may hold a password. */
    readonly postgres?: string | undefined
    readonly redis?: string | undefined
  }
  readonly vault: ConfigDocument['vault']
  readonly audit: ConfigDocument['audit']
  readonly egress: ConfigDocument['egress']
  readonly naming: ConfigDocument['naming']
  readonly limits: Limits
  readonly servers: readonly Server[]
  readonly secrets: readonly ConfigSecret[]
  readonly tokens: readonly ConfigToken[]
  readonly policies: readonly Policy[]
}

export type Provenance = {
  /** Complete with defaults, every secret masked. */
  readonly document: ConfigDocument
  readonly file: string
  /** SHA-256 of the text. */
  readonly contentHash: string
  readonly findPlace: (path: KeyPath) => Place | null
}

const provenances = new WeakMap<LoadedConfig, Provenance>()

export function provenanceOf(config: LoadedConfig): Provenance {
  const provenance = provenances.get(config)
  if (provenance === undefined) throw new TypeError('This configuration was not made by loadConfig.')
  return provenance
}

/** `document` is complete, with a storage path. */
export function buildConfig(path: string | null, document: ConfigDocument, provenance: Provenance): LoadedConfig {
  const config: LoadedConfig = {
    path,
    listen: document.listen,
    storage: { ...document.storage, path: document.storage.path ?? '' },
    vault: document.vault,
    audit: document.audit,
    egress: document.egress,
    naming: document.naming,
    limits: document.limits,
    servers: Object.entries(document.servers).map(([name, definition]) => toServer(name, definition)),
    secrets: Object.entries(document.secrets).map(([name, value]) => ({ name, value })),
    tokens: document.tokens.map(toToken),
    policies: Object.entries(document.policies).map(([name, policy]) => Policy.parse({ ...policy, name })),
  }
  hide(config.storage, provenance.document.storage)
  hide(config.secrets, provenance.document.secrets)
  for (const server of config.servers) hideTransport(server, provenance.document)
  hide(config, provenance.document)
  Object.defineProperty(config, 'toJSON', { value: () => provenance.document })
  deepFreeze(config)
  provenances.set(config, provenance)
  return config
}

function toToken({ name, secret, hash, policies, expiresAt }: ConfiguredToken): ConfigToken {
  return {
    name,
    hash: hash === undefined ? sha256Hex(secret ?? '') : hash.slice('sha256:'.length).toLowerCase(),
    policies,
    expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt),
  }
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * The secrets stay plain strings, which the call path reads without a detour; only printing is changed. JSON of a single
 * server stays whole, because two servers that differ in nothing but a credential must not look alike to who compares.
 */
function hideTransport({ name, transport }: Server, masked: ConfigDocument): void {
  const shown = masked.servers[name]
  if (shown === undefined) return
  const { url, credential, headers, forwardHeaders, cookies, variables, tls, command, args, env, cwd } = shown
  if (transport.kind === 'stdio') {
    hide(transport, { kind: transport.kind, command, args, env, cwd })
    hide(transport.args, args)
    hide(transport.env, env)
    return
  }
  hide(transport, { kind: transport.kind, url, credential, headers, forwardHeaders, cookies, variables, tls })
  hide(transport.credential, credential)
  hide(transport.headers, headers)
  hide(transport.variables, variables)
  if (transport.tls !== undefined) hide(transport.tls, tls)
}

function hide(secretive: object, shown: unknown): void {
  Object.defineProperty(secretive, inspect.custom, { value: () => shown })
}

export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
}
