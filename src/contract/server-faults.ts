/**
 * What the parts of a server’s address, credential and headers mean for each other. These read what was sent, not what was parsed, so they speak
 * up even where other things are wrong, and all faults are told at once.
 */
import { isCallerHeader, isTransportHeader } from './header-text.ts'
import { credentialFaults, credentialHeader } from './credential-faults.ts'
import { isOpenRecord, transportOf, type OpenRecord, type ServerFault } from './server-fault.ts'
import { variableFaults } from './variable-faults.ts'

/** @param transport members of a transport, wherever they stand: a server of the configuration has them beside its others */
export function findServerFaults(transport: OpenRecord): ServerFault[] {
  return [
    ...headerFaults(transport),
    ...perCallFaults(transport),
    ...forwardFaults(transport),
    ...cookieFaults(transport),
    ...credentialFaults(transport),
    ...variableFaults(transport),
    ...tlsFaults(transport),
  ]
}

function headerFaults(transport: OpenRecord): ServerFault[] {
  const seen = new Set<string>()
  const taken = credentialHeader(transport)
  return headerNames(transport).flatMap((name): ServerFault[] => {
    const lower = name.toLowerCase()
    const fault = (message: string): ServerFault[] => [{ keys: ['headers', name], message, isAboutKey: true }]
    if (seen.has(lower)) return fault('is the same header as one above, in other letters')
    seen.add(lower)
    if (isTransportHeader(lower)) return fault('is written by the gateway itself')
    // Two values for one header: which one counts would be the server's choice.
    if (lower === taken || (lower === 'authorization' && taken !== null))
      return fault('cannot be set together with this "credential"; keep one of the two')
    return lower === 'cookie' && transport['cookies'] !== undefined
      ? fault('cannot be set together with "cookies"; keep one of the two')
      : []
  })
}

/** Headers of a WebSocket are sent once, when it is opened, and not with each call. */
function perCallFaults(transport: OpenRecord): ServerFault[] {
  const kind = transportOf(transport)
  if (kind !== 'websocket' && kind !== 'ws') return []
  const message = 'goes with single calls, which have no headers over a WebSocket'
  const { forwardHeaders, cookies } = transport
  const isForwarding = Array.isArray(forwardHeaders) && forwardHeaders.length > 0
  const named = [...(isForwarding ? ['forwardHeaders'] : []), ...(cookies === undefined ? [] : ['cookies'])]
  return named.map((key) => ({ keys: [key], message, isAboutKey: true }))
}

function forwardFaults(transport: OpenRecord): ServerFault[] {
  const names: unknown[] = Array.isArray(transport['forwardHeaders']) ? transport['forwardHeaders'] : []
  const ownNames = new Set([credentialHeader(transport), ...headerNames(transport).map((name) => name.toLowerCase())])
  return names.flatMap((name, index): ServerFault[] => {
    if (typeof name !== 'string') return []
    const lower = name.toLowerCase()
    const fault = (message: string): ServerFault[] => [{ keys: ['forwardHeaders', index], message }]
    if (isTransportHeader(lower)) return fault('is written by the gateway itself')
    if (isCallerHeader(lower)) return fault('says who the caller is, which ends at the gateway')
    return ownNames.has(lower) ? fault('is set by "headers" or by the credential') : []
  })
}

function cookieFaults({ cookies }: OpenRecord): ServerFault[] {
  if (!isOpenRecord(cookies)) return []
  const isEmpty = cookies['prefix'] === undefined && !(Array.isArray(cookies['names']) && cookies['names'].length > 0)
  return isEmpty ? [{ keys: ['cookies'], message: 'needs "names" or "prefix"; every cookie is "*"' }] : []
}

function tlsFaults({ tls, url }: OpenRecord): ServerFault[] {
  if (tls === undefined || typeof url !== 'string' || !/^(http|ws):/i.test(url)) return []
  return [{ keys: ['tls'], message: 'needs an address with https:// or wss://', isAboutKey: true }]
}

function headerNames({ headers }: OpenRecord): string[] {
  return isOpenRecord(headers) ? Object.keys(headers) : []
}
