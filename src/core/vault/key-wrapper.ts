/** Port: what keeps data keys from whoever reads the database: a master key, here or in a service that never gives it away. Types only. */

export interface KeyWrapper {
  /** Of the master key, for people: `local:1a2b3c4d`, `transit:transit/toolgate`. Says nothing of the key. */
  readonly id: string
  /**
   * @param context what is wrapped: not in the result, and whoever unwraps must name the same
   * @throws GatewayError `vault_unavailable`, `config_invalid`
   */
  wrap(key: Uint8Array, context: string): Promise<string>
  /**
   * Null where the text was changed, or was wrapped under another master key, or for another context.
   * @throws GatewayError `vault_unavailable`, `config_invalid`
   */
  unwrap(text: string, context: string): Promise<Uint8Array | null>
}
