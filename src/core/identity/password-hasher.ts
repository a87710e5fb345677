/** Port: passwords. Types only. */

export interface PasswordHasher {
  /**
   * A PHC text that says how it was made.
   * @throws GatewayError `rate_limited` where too many are under way
   */
  hash(password: string): Promise<string>
  /**
   * Whether it is this password. Takes as long for a wrong one as for the right one, and for no hash at all, which nothing matches: how long
   * it takes tells nobody which users there are.
   *
   * @throws GatewayError `rate_limited` where too many are under way
   */
  verify(password: string, hash: string | null): Promise<boolean>
}
