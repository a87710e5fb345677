/** Port: hashes of passwords, apart from the users, so that no reader of users ever holds one. Types only. */

export type StoredPassword = {
  /** PHC text of a memory-hard hash. */
  phc: string
  /** Unix milliseconds. Sign-ins from before it are over. */
  setAt: number
}

export interface PasswordStore {
  get(userId: string): Promise<StoredPassword | null>
  /**
   * Replaces the one that is there.
   * @throws GatewayError `no_such_resource` where no such user is stored, `storage_unavailable`
   */
  put(userId: string, password: StoredPassword): Promise<void>
  /** The user can no longer sign in with one. It goes with its user by itself. */
  delete(userId: string): Promise<void>
}
