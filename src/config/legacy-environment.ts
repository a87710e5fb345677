/** What the environment says for `mcp_servers` without credentials of their own. */
import type { Finding } from './describe-issue.ts'
import type { LegacyOAuth2 } from './legacy-schema.ts'
import type { Environment } from './substitute.ts'

export type LegacyDefaults = {
  readonly oauth2: LegacyOAuth2 | null
  /** Null: it says nothing of cookies. */
  readonly cookieNames: readonly string[] | null
  readonly findings: readonly Finding[]
}

const scopeDefault = 'mcp:read mcp:write'

export function readLegacyEnvironment(env: Environment): LegacyDefaults {
  const { names, finding } = readCookieNames(env.MCP_COOKIE_PASSTHROUGH ?? '')
  return { oauth2: readOAuth2(env), cookieNames: names, findings: finding ? [finding] : [] }
}

/** All three, or nothing: half a client would go out as nobody. */
function readOAuth2(env: Environment): LegacyOAuth2 | null {
  const {
    MCP_OAUTH2_TOKEN_URL: token_url,
    MCP_OAUTH2_CLIENT_ID: client_id,
    MCP_OAUTH2_CLIENT_SECRET: client_secret,
  } = env
  if (!token_url || !client_id || !client_secret) return null
  return { token_url, client_id, client_secret, scope: env.MCP_OAUTH2_SCOPE ?? scopeDefault }
}

/** Which ones must be said: "yes" would be every cookie to every server. */
function readCookieNames(text: string): { names: string[] | null; finding?: Finding } {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => name === '') || /^(false|no|off|0)$/i.test(text.trim())) return { names: null }
  if (!/^(true|yes|on|1)$/i.test(text.trim())) return { names }
  const message = 'must be names of cookies with commas between them; every cookie is "*"'
  return { names: null, finding: { path: ['MCP_COOKIE_PASSTHROUGH'], message, isAboutKey: false } }
}
