/** Keys and values of an owner's own. They go in and never come out. */
import { type Connection, SetKey, SetVariables } from '#contract/connection.ts'
import { GatewayError } from '#contract/errors.ts'
import { type BodyProblem, invalidBody, parseBody } from '#contract/parse-body.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Caller } from '#control/actor.ts'
import { recorded } from '#control/recorded.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import { findUnfitValues } from '#core/credential/variables.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import type { Needs } from './connection-needs.ts'
import { findTarget, type Target, type TargetWords } from './connection-target.ts'
import { toConnection } from './connection-view.ts'
import { changeStored, emptyCredential, givenHere, usableHere } from './stored-connection.ts'

type Giving = { words: TargetWords; body: unknown }

/**
 * @param giving `body`: see `SetKey`; all parts that the server's credential has, and no others
 * @throws GatewayError `no_such_resource`, `forbidden`, `wrong_status` (this server takes no key), `invalid_body`, `storage_unavailable`
 */
export async function setKey(deps: ConnectionDeps, caller: Caller, giving: Giving): Promise<Connection> {
  return give(deps, { caller, action: 'set_key', giving }, ({ needs }, now) => {
    const { key } = needs
    if (!key) throw new GatewayError('wrong_status', { details: { reason: 'no_key' } })
    const given = toMap(parseBody(SetKey, giving.body))
    check([
      ...key.parts.filter((part) => !given.has(part)).map((path) => ({ path, problem: 'is required' })),
      ...[...given.keys()]
        .filter((part) => !key.parts.includes(part))
        .map((path) => ({ path, problem: 'is no part of this key' })),
      ...tooLong(deps, given),
    ])
    return {
      changed: ['key'],
      step: (before) => ({
        ...before,
        state: 'connected',
        reason: 'connected',
        stateAt: now,
        secret: { kind: 'key', parts: Object.fromEntries(given) },
        renewingUntil: null,
      }),
    }
  })
}

/**
 * @param giving `body`: see `SetVariables`
 * @throws GatewayError as `setKey`; `wrong_status`: this server has no variables of its users
 */
export async function setVariables(deps: ConnectionDeps, caller: Caller, giving: Giving): Promise<Connection> {
  return give(deps, { caller, action: 'set_variables', giving }, ({ needs, server }, now) => {
    if (needs.variables.length === 0) throw new GatewayError('wrong_status', { details: { reason: 'no_variables' } })
    const { values } = parseBody(SetVariables, giving.body)
    const given = toMap(values)
    const declared = new Set(needs.variables.map(({ name }) => name))
    check([
      ...[...given.keys()]
        .filter((name) => !declared.has(name))
        .map((name) => ({ path: `values.${name}`, problem: 'is no variable of this server' })),
      ...tooLong(deps, given, 'values.'),
      ...unfit(server, given),
    ])
    return {
      changed: [...given.keys()],
      step: (before) => withVariables(before, { given, declared, needs, now }),
    }
  })
}

type Gift = { changed: string[]; step: (before: StoredCredential) => StoredCredential }
type What = { caller: Caller; action: 'set_key' | 'set_variables'; giving: Giving }

function give(
  deps: ConnectionDeps,
  { caller, action, giving: { words } }: What,
  toGift: (target: Target, now: number) => Gift,
): Promise<Connection> {
  const { actor } = caller
  return recorded(deps, { caller, action, kind: 'credential', name: '' }, async (note) => {
    const target = findTarget(deps, actor, { words, right: 'give' })
    const place = { serverId: target.server.id, owner: target.owner }
    note.name = nameOfCredential(place.serverId, place.owner)
    const now = deps.clock.now()
    const { changed, step } = toGift(target, now)
    note.changed = changed
    const stored = await changeStored(deps, { actor, name: note.name }, (before) =>
      givenHere(target.server, step(usableHere(target.server, before) ?? emptyCredential(place, now))),
    )
    note.id = stored?.id ?? ''
    return toConnection(deps, actor, { ...target, stored: stored?.credential })
  })
}

type Values = { given: ReadonlyMap<string, string>; declared: ReadonlySet<string>; needs: Needs; now: number }

/** Those that the server does not have any more go with it. */
function withVariables(before: StoredCredential, { given, declared, needs, now }: Values): StoredCredential {
  const kept = Object.entries(before.variables).filter(([name]) => declared.has(name) && !given.has(name))
  const variables = Object.fromEntries([...kept, ...[...given].filter(([, value]) => value !== '')])
  const isAll = needs.account === null && needs.key === null
  const isOver = before.state === 'revoked'
  if (!isAll && !isOver) return { ...before, variables }
  const state = isAll
    ? { state: 'connected' as const, reason: 'connected' as const }
    : { state: 'connecting' as const, reason: 'began' as const }
  return { ...before, ...state, stateAt: now, variables }
}

function tooLong(
  { limits: { credentialValueBytesMax } }: ConnectionDeps,
  given: ReadonlyMap<string, string>,
  prefix = '',
): BodyProblem[] {
  return [...given]
    .filter(([, value]) => new TextEncoder().encode(value).length > credentialValueBytesMax)
    .map(([name]) => ({ path: `${prefix}${name}`, problem: `must have at most ${credentialValueBytesMax} bytes` }))
}

/** An empty text takes a value away. */
function unfit({ transport }: ServedServer, given: ReadonlyMap<string, string>): BodyProblem[] {
  if (transport.kind === 'stdio') return []
  const names = transport.variables.map(({ name }) => name)
  const values = new Map([...given].filter(([, value]) => value !== ''))
  return findUnfitValues(transport, names, values).map(({ name, reason }) => ({
    path: `values.${name}`,
    problem: reason,
  }))
}

function toMap(given: Readonly<Record<string, string | undefined>>): Map<string, string> {
  return new Map(Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function check(problems: readonly BodyProblem[]): void {
  if (problems.length > 0) throw invalidBody(problems)
}
