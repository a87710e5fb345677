/** Who asks at an address of an agent's session. */
import type { Socket } from 'node:net'
import type { BrokerAddress } from '#core/session/broker-checks.ts'
import type { Broker, BrokerCaller } from '#gateway/broker.ts'
import { isInternalClient, type ClientRanges } from '#http/client-ranges.ts'
import type { Visit } from './entrance.ts'

/** What the last request on a connection was found to be: the next one nearly always says the same. */
type Known = BrokerCaller & {
  authorization: string | undefined
  forwardedFor: string | string[] | undefined
  at: BrokerAddress
}

const knownByConnection = new WeakMap<Socket, Known>()

/**
 * Steps 2 to 4 of a call, before its body is read. What is found on the way is noted in the visit, for its refusal.
 * @throws GatewayError `unauthorized`, and what `Broker.open` throws
 */
export function findBrokerCaller(
  visit: Visit,
  at: BrokerAddress,
  { broker, clients }: { broker: Broker; clients: ClientRanges },
): BrokerCaller {
  const { req } = visit
  const { authorization, 'x-forwarded-for': forwardedFor } = req.headers
  const known = knownByConnection.get(req.socket)
  const isSameClient = known?.authorization === authorization && known?.forwardedFor === forwardedFor
  if (known && isSameClient && isAt(known, at) && broker.isStill(known.principal)) return note(visit, known)
  const identified = broker.identify(authorization)
  visit.principal = identified
  const place = { ...at, isInternal: isInternalClient(req, clients) }
  const found = { ...broker.open(identified, place), authorization, forwardedFor, at }
  knownByConnection.set(req.socket, found)
  return note(visit, found)
}

function note(visit: Visit, caller: Known): Known {
  visit.principal = caller.principal
  visit.endpoint = caller.endpoint
  return caller
}

function isAt({ at }: Known, { sessionId, server }: BrokerAddress): boolean {
  return at.sessionId === sessionId && at.server === server
}
