/** Port: what is counted over all replicas, so that a limit is one limit. Types only. */

/** `bucket`: `burst` at once, and `perSecond` in the long run. `window`: so much in each span of `windowMs`, from its first charge on. */
export type CountedLimit =
  | { kind: 'bucket'; burst: number; perSecond: number }
  | { kind: 'window'; max: number; windowMs: number }

export type Charge = {
  /** Whose, and of what: equal keys are counted together. Up to 256 characters. */
  key: string
  limit: CountedLimit
  /** Above zero; need not be whole. */
  cost: number
}

export type ChargeVerdict = {
  isAllowed: boolean
  /** The first charge that refused, by its place; null: none. */
  refusedBy: number | null
  /** When the same charges may pass, in milliseconds; 0 where they do. Null: never, the cost is above the limit. */
  retryAfterMs: number | null
  /** For each charge, how much is left after this; null where nobody knows. */
  left: (number | null)[]
  /** False: the counters could not be asked, and nobody is kept from anything. */
  isCounted: boolean
}

export interface Counters {
  /** Charges all or none: what one limit refuses costs nothing at the others. Never rejects; waits at most one second. */
  charge(charges: readonly Charge[]): Promise<ChargeVerdict>
}
