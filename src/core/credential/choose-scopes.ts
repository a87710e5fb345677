/** Which scopes a token is asked for (MCP basic/authorization, scope selection). */

export type ScopeWords = {
  /** What the definition of the server says. */
  configured: readonly string[] | null
  /** What the upstream asked for when it refused. */
  challenged: readonly string[] | null
  /** What the metadata of the protected resource lists. */
  supported: readonly string[] | null
  /** What the grant has that is to be widened. */
  held: readonly string[] | null
  /** What the authorization server lists. */
  listed: readonly string[] | null
}

const offline = 'offline_access'

/**
 * What is configured, else what was challenged, else what the resource supports; and whatever is held or challenged with it, so that a step up
 * takes nothing away. `offline_access` goes with them where the authorization server lists it, and only there, unless it is configured.
 * @returns null: the parameter is left out
 */
export function chooseScopes({ configured, challenged, supported, held, listed }: ScopeWords): string[] | null {
  const wanted = configured ?? challenged ?? supported
  const scopes = new Set([...(wanted ?? []), ...(held ?? []), ...(challenged ?? [])])
  if (configured?.includes(offline) !== true) {
    scopes.delete(offline)
    if (scopes.size > 0 && listed?.includes(offline) === true) scopes.add(offline)
  }
  return scopes.size === 0 ? null : [...scopes]
}
