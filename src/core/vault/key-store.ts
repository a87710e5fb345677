/** Port: data keys at rest, each wrapped under a master key. Types only. */

export type StoredKey = {
  /** Eight hexadecimal digits, which each text that is sealed under it names. */
  id: string
  wrapped: string
  /** The id of the wrapper. */
  wrappedBy: string
  /** Unix milliseconds. */
  createdAt: number
  /** Unix milliseconds; null: it is the current one, of which there is one at most. */
  retiredAt: number | null
}

export interface KeyStore {
  /** The oldest first. */
  list(): Promise<StoredKey[]>
  /**
   * Makes it the current one, and retires the one before.
   * @param after the id of the one that is current; null: there is none
   * @returns false where another one is current by now: nothing was changed
   */
  add(key: Omit<StoredKey, 'retiredAt'>, after: string | null): Promise<boolean>
  /** @returns false where it is not wrapped as it was seen, or is gone: nothing was changed */
  rewrap(seen: StoredKey, next: Pick<StoredKey, 'wrapped' | 'wrappedBy'>): Promise<boolean>
  /** @returns false where it is the current one, or something is sealed under it: nothing was changed */
  delete(id: string): Promise<boolean>
}
