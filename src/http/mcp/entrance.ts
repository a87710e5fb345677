/** What the MCP entrances share: who is asking, for which endpoint. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Limits } from '#contract/limits.ts'
import type { Clock } from '#core/clock.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { AddressWords } from '#core/naming/address.ts'
import { single } from '#core/protocol/mcp-headers.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { isInternalClient, type ClientRanges } from '#http/client-ranges.ts'

export type EntranceDeps = {
  gateway: Gateway
  limits: Limits
  randomId(prefix: string): string
  nextRequestId(): string
  now(): number
  clock: Clock
  /** A defect, or a failure worth a line in the log. */
  onError(error: unknown, requestId: string): void
}

/** A request, as far as it has come. */
export type Visit = {
  req: IncomingMessage
  requestId: string
  /** Unix time in milliseconds. */
  receivedAt: number
  /** Null while nobody is identified. */
  principal: Principal | null
  /** Null while it is not known who is asked. */
  endpoint: Endpoint | null
  /** Where it is known. */
  address?: Address
}

export type Caller = { principal: Principal; endpoint: Endpoint; address: Address }

/** What the last request on a connection was found to be: the next one nearly always says the same. */
type Known = Caller & {
  authorization: string | undefined
  forwardedFor: string | string[] | undefined
  epoch: number
}

const knownByConnection = new WeakMap<Socket, Known>()

/**
 * Steps 2 to 4 of a call, before its body is read. What is found on the way is noted in the visit, for its refusal.
 * @throws GatewayError `unauthorized`, `forbidden`, `server_not_found`
 */
export function findCaller(
  visit: Visit,
  words: AddressWords,
  { gateway, clients }: { gateway: Gateway; clients: ClientRanges },
): Caller {
  const { req } = visit
  const { authorization } = req.headers
  const narrowing = single(req.headers, 'x-mcp-servers') ?? null
  const known = knownByConnection.get(req.socket)
  const forwardedFor = req.headers['x-forwarded-for']
  const isSameClient = known?.authorization === authorization && known?.forwardedFor === forwardedFor
  if (
    isSameClient &&
    known?.epoch === gateway.epoch &&
    isAt(known, words, narrowing) &&
    !gateway.isExpired(known.principal)
  )
    return note(visit, known)
  const identified = gateway.identify(authorization)
  visit.principal = identified
  const address: Address = { ...words, narrowing, ...(isInternalClient(req, clients) ? { isInternal: true } : {}) }
  const { principal, endpoint } = gateway.admit(identified, address)
  const found = { principal, address, endpoint, authorization, forwardedFor, epoch: gateway.epoch }
  knownByConnection.set(req.socket, found)
  return note(visit, found)
}

function note(visit: Visit, caller: Caller): Caller {
  visit.principal = caller.principal
  visit.endpoint = caller.endpoint
  return caller
}

function isAt({ address }: Caller, { scope, names }: AddressWords, narrowing: string | null): boolean {
  return address.names === names && address.scope === scope && address.narrowing === narrowing
}
