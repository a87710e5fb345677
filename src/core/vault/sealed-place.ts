/** Port: where sealed texts are stored. Whoever seals into a table of its own adds a place, so that its texts follow when keys are rotated. Types only. */

export type SealedEntry = {
  /** Of this place; entries come in its order. */
  id: string
  context: string
  text: string
  /** False: it was stored before such texts were sealed. */
  isSealed: boolean
}

export interface SealedPlace {
  /** For people. */
  readonly name: string
  /** Those that are sealed under another key than this one, or under none. */
  list(query: { notUnder: string; after: string | null; limit: number }): Promise<SealedEntry[]>
  /**
   * In one transaction. Each only where it still says what was seen: who has changed it since has sealed it anew. Nothing else of it
   * changes, so no reader has to know.
   * @returns how many
   * @throws GatewayError `sealing_key_replaced`
   */
  replace(entries: readonly { seen: SealedEntry; sealed: string }[]): Promise<number>
  /** How many there are under each key; those that name no data key under the empty text. */
  count(): Promise<ReadonlyMap<string, number>>
}
