/**
 * Port: who of all replicas may do a thing now. Types only.
 *
 * A lock is a lease: it ends by itself, and its holder may be asleep when it does. So whatever must not be written by two is written
 * with the lock's fence, and the place where it is written refuses a fence below one that it has seen.
 */
export interface HeldLock {
  readonly name: string
  /** Rises from lock to lock of a name; an integer above zero. */
  readonly fence: number
  /** Unix time in milliseconds of this replica's clock: from then on it may be somebody else's. Earlier than that, never later. */
  readonly heldUntil: number
  /**
   * For `ttlMs` more, from now.
   * @returns false: it was lost, and stays so
   * @throws GatewayError `storage_unavailable`: it holds until `heldUntil` as before
   */
  renew(ttlMs: number): Promise<boolean>
  /** Lets it go, if it is still held. Never rejects: a lock that cannot be let go ends by itself. */
  release(): Promise<void>
}

export interface Locks {
  /**
   * @param name up to 256 characters
   * @returns null: somebody has it
   * @throws GatewayError `storage_unavailable`: nobody knows who has it, so nobody has
   */
  tryLock(name: string, ttlMs: number): Promise<HeldLock | null>
}
