/** Against pages that reach a gateway on the user's own machine (DNS rebinding; 2025-11-25, transports, security warning). */
import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import { isLoopbackHost } from '#contract/loopback.ts'
import { createClientRanges, type ClientRanges } from './client-ranges.ts'

export type GuardOptions = {
  /** Lower-case host names, with or without port. Empty: every Host is served. */
  hosts: ReadonlySet<string>
  /** Origins, scheme://host:port, besides loopback ones. */
  origins: ReadonlySet<string>
  clients: ClientRanges
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * On a loopback address only loopback names are served, and what is configured. On any other address names are checked as soon as one is
 * configured.
 */
export function createGuardOptions(listen: {
  host: string
  publicUrl?: string | undefined
  allowedHosts: readonly string[]
  allowedOrigins: readonly string[]
  trustedProxies?: readonly string[]
  internalRanges?: readonly string[]
}): GuardOptions {
  const publicUrl = listen.publicUrl === undefined ? null : new URL(listen.publicUrl)
  const configured = [
    ...listen.allowedHosts.map((host) => host.toLowerCase()),
    ...(publicUrl ? [publicUrl.hostname] : []),
  ]
  const isLoopback = isLoopbackHost(listen.host)
  const hosts = isLoopback || configured.length > 0 ? [...loopbackNames, ...configured] : []
  return {
    hosts: new Set(hosts),
    origins: new Set([...listen.allowedOrigins, ...(publicUrl ? [publicUrl.origin] : [])]),
    clients: createClientRanges(listen),
  }
}

/** @throws GatewayError `host_forbidden` or `origin_forbidden` */
export function checkGuards(headers: IncomingHttpHeaders, options: GuardOptions): void {
  if (options.hosts.size > 0 && !isServed(headers.host ?? '', options.hosts)) throw new GatewayError('host_forbidden')
  const { origin } = headers
  if (origin !== undefined && !options.origins.has(origin) && !isLoopbackOrigin(origin))
    throw new GatewayError('origin_forbidden')
}

const port = /:\d*$/

/** Requests that follow each other nearly always name the same host. */
let lastServed: { header: string; hosts: GuardOptions['hosts'] } | undefined

/** Configured with a port, a host is served on that port only; without one, on any. */
function isServed(header: string, hosts: GuardOptions['hosts']): boolean {
  if (lastServed?.header === header && lastServed.hosts === hosts) return true
  const host = header.toLowerCase()
  const isNamed = hosts.has(host) || hosts.has(host.replace(port, ''))
  if (isNamed) lastServed = { header, hosts }
  return isNamed
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : null
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && loopbackNames.includes(url.hostname)
}
