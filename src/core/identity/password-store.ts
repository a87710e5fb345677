/**
 * Port: hashes of passwords, apart from the users, so that no reader of users ever holds one. They are written with their users
 * (`Change` in `core/resources/resource-store.ts`), and go with them. Types only.
 */

export type StoredPassword = {
  /** PHC text of a memory-hard hash. */
  phc: string
  /** Unix milliseconds. Sign-ins from before it are over. */
  setAt: number
}

export interface PasswordStore {
  get(userId: string): Promise<StoredPassword | null>
}
