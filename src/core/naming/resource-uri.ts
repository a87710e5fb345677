/**
 * Resource URIs of an aggregate carry their server in front, verbatim, so that reading one needs no map and any number of
 * servers may use the same URIs.
 */

const scheme = 'toolgate://'

/** Schemes compare without case (RFC 3986 §3.1), and clients that normalise write them in lower case. */
const exposedUri = /^toolgate:\/\/([a-z0-9_-]+)\/(.*)$/is

/**
 * `toolgate://{server}/{uri}`. Also for URI templates (RFC 6570): the prefix holds no expression and only characters that
 * expansion copies, so expanding the exposed template gives the exposed expansion.
 * @param server a real server name, as the contract allows it: `a-z`, `0-9`, `_` and `-`
 */
export function exposeUri(server: string, uri: string): string {
  return `${scheme}${server}/${uri}`
}

/** The reverse, or null for a URI that no aggregate exposes. Whether the server exists is the caller's question. */
export function parseExposedUri(uri: string): { server: string; uri: string } | null {
  const [, server, original] = exposedUri.exec(uri) ?? []
  if (server === undefined || original === undefined) return null
  return { server: server.toLowerCase(), uri: original }
}
