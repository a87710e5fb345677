/** Which servers are of the same site as the gateway: those that a browser itself could send the cookies of the gateway's host. */

export const everyCookieRule =
  '"*" passes every cookie on, which only a server on the host of publicUrl, or below it, may have'

export type Sites = {
  /** Where browsers reach the gateway. Null: nobody has said. */
  publicUrl: string | null
  upstreamUrl: string
}

/**
 * True where a browser itself could send the cookies of the gateway's host: to that host, or to one below it, and over no weaker scheme. It is
 * stricter than "same site", which knows by a list of public suffixes who shares one registrable domain: two hosts beside each other may belong
 * to two owners, and a list ages.
 */
export function isSameSite({ publicUrl, upstreamUrl }: Sites): boolean {
  const ours = publicUrl === null ? null : URL.parse(publicUrl)
  const theirs = URL.parse(upstreamUrl)
  if (ours === null || theirs === null) return false
  if (isEncrypted(ours) && !isEncrypted(theirs)) return false
  const host = hostOf(ours)
  return host !== '' && (hostOf(theirs) === host || (isName(host) && hostOf(theirs).endsWith(`.${host}`)))
}

function isEncrypted({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:'
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/\.$/, '')
}

/** No address, and more than one label: nobody owns everything below a top-level domain. `localhost` is the machine's own. */
function isName(host: string): boolean {
  return host === 'localhost' || (host.includes('.') && !/^[\d.]+$/.test(host))
}
