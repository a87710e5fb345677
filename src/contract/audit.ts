/** The words of the audit log. */

/**
 * - `call`: one MCP request of an identified caller, `initialize` included.
 * - `session_end`: a client ended its session.
 * - `refusal`: a request ended before it was a call: unreadable, of no known revision, of no session, for nobody here.
 * - `auth_failure`: the same, because there was no valid token.
 * - `config_change`: a changed configuration was applied, or could not be.
 * - `resource_change`: somebody changed a resource or a session of an agent, signed in, was given a token, or tried to.
 * - `retention`: old events were removed.
 * - `key_rotation`: the key that stored secrets are sealed with was replaced.
 */
export const auditKinds = [
  'call',
  'session_end',
  'refusal',
  'auth_failure',
  'config_change',
  'resource_change',
  'retention',
  'key_rotation',
] as const
export type AuditKind = (typeof auditKinds)[number]

/**
 * - `user`, `service`, `team`: who holds the token, or has signed in.
 * - `configuration`: the token stands in `toolgate.yaml`.
 * - `agent`: whose session it is.
 * - `library`: a caller of the library.
 * - `system`: the gateway itself.
 */
export const principalKinds = ['user', 'service', 'team', 'configuration', 'agent', 'library', 'system'] as const
export type PrincipalKind = (typeof principalKinds)[number]
