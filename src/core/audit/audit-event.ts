/** An immutable fact: who, through what, did what, was it allowed, how did it end. */
export type AuditEvent = {
  /** Unix time in milliseconds. */
  at: number
  kind: 'call' | 'auth_failure' | 'config_change'
  /** Empty where nobody was identified. */
  tokenId: string
  tokenName: string
  /** Our id of the HTTP request or channel message; correlates with the log. */
  requestId: string
  /** The entrance, for example `/mcp` or `everything`. */
  endpoint: string
  method: string
  /** Real server name, never an alias; empty where the call named none. */
  server: string
  /** The tool's, prompt's or resource's own name at its server. */
  target: string
  effect: 'allow' | 'deny'
  /** Why: the rule that decided, or a word of the error catalogue. */
  reason: string
  /** `ok`, `tool_error` (the tool said isError), `input_required`, or a code of the error catalogue. */
  outcome: string
  durationMs: number
}
