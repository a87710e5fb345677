/** What answers each operation of `contract/operations.ts`: a use case, and the form of its answer. */
import { GatewayError } from '#contract/errors.ts'
import { parseBody } from '#contract/parse-body.ts'
import { AuditQuery, ExplainQuery, ListQuery } from '#contract/operation-queries.ts'
import { CanI, Introspect, SignIn, type SpecialOperationId } from '#contract/operations.ts'
import type { ResourceOperation, ResourceVerb } from '#contract/resource-operations.ts'
import { CreateSession } from '#contract/session.ts'
import { ManagedKind, Ref } from '#contract/resource.ts'
import type { Caller } from '#control/actor.ts'
import type { AuthenticateDeps } from '#control/authenticate.ts'
import { canI } from '#control/can-i.ts'
import type { ConnectionsControl } from '#control/connections/connections.ts'
import { createResource } from '#control/create-resource.ts'
import { deleteResource } from '#control/delete-resource.ts'
import { dryRun, type DryRunDeps } from '#control/dry-run.ts'
import { explainAccess, type ExplainQuestion } from '#control/explain-access.ts'
import { getResource } from '#control/get-resource.ts'
import { introspectToken } from '#control/introspect-token.ts'
import { listResources } from '#control/list-resources.ts'
import { mintToken, type MintDeps } from '#control/mint-token.ts'
import { setPassword, signIn, type PasswordDeps } from '#control/passwords.ts'
import { readAudit, type AuditDeps } from '#control/read-audit.ts'
import { revokeToken } from '#control/revoke-token.ts'
import { rotateToken } from '#control/rotate-token.ts'
import type { SessionsControl } from '#control/sessions.ts'
import { updateResource } from '#control/update-resource.ts'
import { mintSignInToken } from '#core/identity/sign-in-token.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { formatBinding } from '#core/rbac/binding-syntax.ts'
import { readCursor, toCursor } from './conditions.ts'
import { connectionHandlers } from './connection-handlers.ts'
import type { Handler, RestReply } from './handler.ts'
import { parseQuery } from './parse-query.ts'

export type RestDeps = MintDeps &
  PasswordDeps &
  DryRunDeps &
  Pick<AuthenticateDeps, 'keys' | 'onTokenUse'> & {
    audit: AuditDeps
    agentSessions: SessionsControl
    connections: ConnectionsControl
  }

export function resourceHandler(deps: RestDeps, { kind, verb, path }: ResourceOperation): Handler {
  const handlers: Record<ResourceVerb, Handler> = {
    list: async ({ caller, query }) => ({ body: await listPage(deps, caller, { kind, query }) }),
    create: async ({ caller, body }) => {
      if (kind === 'token') return { body: await mintToken(deps, caller, body) }
      const view = await createResource(deps, caller, { kind, body })
      return { ...versioned(view), location: `${path}/${view.id}` }
    },
    get: async ({ caller, ref }) => versioned(await getResource(deps, caller, { kind, ref })),
    replace: async ({ caller, ref, version, body }) =>
      versioned(await updateResource(deps, caller, { kind, ref, version, body })),
    delete: async ({ caller, ref, version }) => {
      await deleteResource(deps, caller, { kind, ref, version })
      return {}
    },
  }
  return handlers[verb]
}

function versioned(view: { version: number }): RestReply {
  return { body: view, version: view.version }
}

async function listPage(deps: RestDeps, caller: Caller, { kind, query }: { kind: ManagedKind; query: unknown }) {
  const { limit, cursor, labels, references } = parseQuery(ListQuery, query)
  const page = await listResources(deps, caller, {
    kind,
    limit,
    after: cursor === undefined ? undefined : readCursor(cursor),
    labels:
      labels === undefined ? undefined : Object.fromEntries(labels.split(',').map((label) => splitAt(label, '='))),
    of: references === undefined ? undefined : readReference(references),
  })
  return { items: page.items, next: page.next === null ? null : toCursor(page.next) }
}

/** @throws GatewayError `invalid_params` */
function toExplainQuestion(query: unknown): ExplainQuestion {
  const { args: text, ...question } = parseQuery(ExplainQuery, query)
  return text === undefined ? question : { ...question, args: readArguments(text) }
}

function readArguments(text: string): JsonObject {
  const args = parseJson(text)
  if (isJsonObject(args)) return args
  throw new GatewayError('invalid_params', { details: { reason: 'args: must be an object, as JSON' } })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readReference(text: string): { kind: ManagedKind; ref: string } {
  const [kind, ref] = splitAt(text, ':')
  const known = ManagedKind.safeParse(kind)
  if (!known.success)
    throw new GatewayError('invalid_params', { details: { reason: 'references: names no kind of resource' } })
  return { kind: known.data, ref }
}

function splitAt(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark)
  return [text.slice(0, at), text.slice(at + 1)]
}

export function specialHandlers(deps: RestDeps): Record<SpecialOperationId, Handler> {
  return {
    revokeToken: async ({ caller, ref, version }) => versioned(await revokeToken(deps, caller, { ref, version })),
    rotateToken: async ({ caller, ref, version, body }) => ({
      body: await rotateToken(deps, caller, { ref, version, body: orEmpty(body) }),
    }),
    introspectToken: async ({ caller, body }) => ({
      body: introspectToken(deps, caller.actor, parseBody(Introspect, body).token),
    }),
    setPassword: async ({ caller, ref, body }) => {
      await setPassword(deps, caller, { ref, body })
      return {}
    },
    signIn: async ({ caller, body, address }) => {
      const { user: name, password } = parseBody(SignIn, body)
      const { id, spec } = await signIn(deps, { name, password, address, ...caller })
      const signedIn = { userId: id, passwordSetAt: spec.passwordSetAt ?? 0 }
      const { text, expiresIn } = mintSignInToken(signedIn, { keys: deps.keys, now: deps.clock.now() })
      return { body: { access_token: text, token_type: 'Bearer', expires_in: expiresIn } }
    },
    whoAmI: async ({ caller: { actor } }) => ({
      body: { kind: actor.kind, id: actor.id, name: actor.name, bindings: actor.bindings.map(formatBinding) },
    }),
    canI: async ({ caller: { actor }, body }) => ({ body: await canI(deps, actor, parseBody(CanI, body)) }),
    explainAccess: async ({ caller: { actor }, query }) => ({
      body: await explainAccess(deps, actor, toExplainQuestion(query)),
    }),
    ...sessionHandlers(deps.agentSessions),
    ...connectionHandlers(deps.connections),
    dryRun: async ({ caller: { actor }, body }) => ({ body: await dryRun(deps, actor, body) }),
    readAudit: async ({ caller: { actor }, query }) => ({
      body: await readAudit(deps.audit, actor, parseQuery(AuditQuery, query)),
    }),
  }
}

/** Who asks for nothing particular need not say so. */
const orEmpty = (body: unknown): unknown => (body === undefined ? {} : body)

function sessionHandlers(sessions: SessionsControl) {
  return {
    createSession: async ({ caller, body }) => ({ body: await sessions.create(caller, body) }),
    startAgentSession: async ({ caller, ref, body }) => {
      if (!Ref.safeParse(ref).success) throw new GatewayError('no_such_resource')
      const asked = parseBody(CreateSession.omit({ agent: true }), orEmpty(body))
      return { body: await sessions.create(caller, { ...asked, agent: ref }) }
    },
    listSessions: async ({ caller, query }) => ({ body: { items: await sessions.list(caller, query) } }),
    getSession: async ({ caller, ref }) => ({ body: await sessions.get(caller, ref) }),
    listSessionEvents: async ({ caller, ref }) => ({ body: { items: await sessions.events(caller, ref) } }),
    restartSession: async ({ caller, ref, body }) => ({ body: await sessions.restart(caller, ref, orEmpty(body)) }),
    recoverSession: async ({ caller, ref, body }) => ({ body: await sessions.recover(caller, ref, orEmpty(body)) }),
    reportSession: async ({ caller, ref, body }) => ({ body: await sessions.report(caller, ref, body) }),
    endSession: async ({ caller, ref }) => ({ body: await sessions.end(caller, ref) }),
    refreshSessionToken: async ({ caller, body }) => ({ body: sessions.refresh(body, caller) }),
  } satisfies Partial<Record<SpecialOperationId, Handler>>
}
