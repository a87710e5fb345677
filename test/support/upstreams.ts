/** Servers and callers as unit tests need them. */
import type { z } from 'zod'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import type { GatewayError } from '#contract/errors.ts'
import { Limits } from '#contract/limits.ts'
import type { Policy } from '#contract/policy.ts'
import { Server, type ServedServer } from '#contract/server.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import { compileAccess } from '#core/access/access.ts'
import { traceOnly, type Forwarding } from '#core/credential/forwarded-headers.ts'
import type { CredentialHolder, ServerCredential } from '#core/credential/lease.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import { Upstream, type Wires } from '#gateway/upstream/upstream.ts'
import { nobodysHolder, noCredential } from './leases.ts'
import { FakeChannelWire, legacyScript } from './fake-channel.ts'
import type { FakeClock } from './fake-clock.ts'

export function server(name: string, more: Partial<z.input<typeof Server>> = {}): ServedServer {
  const transport = { kind: 'stdio', command: 'never-started' }
  const definition = Server.parse({ name, transport, isolation: 'shared', protocol: 'legacy', ...more })
  return { ...resolveSecrets(definition, noSecrets), id: `srv_${name}` }
}

export function limits(more: Partial<Limits> = {}): Limits {
  return { ...Limits.parse({}), ...more }
}

export type Told = { changes: ListKind[]; troubles: GatewayError[] }

export function upstream(
  definition: ServedServer,
  deps: {
    clock: FakeClock
    wires: Wires
    limits?: Limits
    told?: Told
    credential?: ServerCredential
    forwarding?: Forwarding
  },
): Upstream {
  const { clock, wires, told, credential = noCredential } = deps
  return new Upstream(definition, {
    clock,
    limits: deps.limits ?? limits(),
    createEventReader,
    wires,
    credential,
    forwarding: deps.forwarding ?? traceOnly,
    clientInfo: { name: 'toolgate', version: '0' },
    onListChanged: (_upstream, kind) => told?.changes.push(kind),
    onTrouble: (_upstream, error) => told?.troubles.push(error),
  })
}

/** A legacy server over a channel, and the wire on which it can be played further. */
export function channelUpstream(
  definition: ServedServer,
  deps: { clock: FakeClock; wire?: FakeChannelWire; limits?: Limits; told?: Told },
): Upstream {
  const wire = deps.wire ?? new FakeChannelWire(legacyScript({}))
  return upstream(definition, { ...deps, wires: { kind: 'channel', channel: wire } })
}

export function policy(name: string, more: Partial<Policy> = {}): Policy {
  return { name, default: 'deny', rules: [], ...more }
}

export function principal(id: string, policies: readonly Policy[] = [policy('all', { default: 'admin' })]): Principal {
  return { id, tokenId: id, tokenName: id, access: compileAccess(policies), expiresAt: null, token: null }
}

export function user(
  principalId = 'ann',
  capabilities: JsonObject = {},
  holder: CredentialHolder = nobodysHolder,
): SessionUser {
  return { principalId, holder, sessionId: null, capabilities }
}
