/** Hosts of this very machine: what goes there does not leave it, so it needs no encryption on its way (RFC 8252 §7.3). */

/** @param host as a `Host` header or `URL.hostname` has it; an IPv6 address may stand without its brackets */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
