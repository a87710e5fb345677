/** Port: where sealed texts are stored. Whoever seals into a table of its own adds a place, so that its texts follow when keys are rotated. Types only. */

export type SealedEntry = {
  /** Of this place; entries come in its order. */
  id: string
  context: string
  text: string
  /** False: it was stored before such texts were sealed. */
  isSealed: boolean
}

export type SealedQuery = {
  /** The empty text: none, so that all are asked for. */
  notUnder: string
  /** The id after which the page begins. */
  after: string | null
  limit: number
}

export type Resealed = { seen: SealedEntry; sealed: string }

export interface SealedPlace {
  /** For people. */
  readonly name: string
  /** Those that are sealed under another key than this one, or under none. */
  list(query: SealedQuery): Promise<SealedEntry[]>
  /**
   * In one transaction. Each only where it still says what was seen: who has changed it since has sealed it anew. Nothing else of it
   * changes, so no reader has to know.
   * @returns how many
   * @throws GatewayError `sealing_key_replaced`
   */
  replace(entries: readonly Resealed[]): Promise<number>
  /**
   * Deletes what cannot be opened any more, with what must go with it.
   * @returns false where something that stays still needs it: nothing was deleted
   */
  forget(id: string): Promise<boolean>
  /** How many there are under each key; those that name no data key under the empty text. */
  count(): Promise<ReadonlyMap<string, number>>
}
