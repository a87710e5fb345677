/** Port: the calls of tools that were recorded. Types only. */

export type RecordedCall = {
  /** Unix time in milliseconds. */
  at: number
  /** Empty texts where it was a session of an agent. */
  tokenId: string
  tokenName: string
  /** Whose session it was; null where it was a token. */
  agent: { id: string; name: string } | null
  /** Real name. */
  server: string
  /** The server's own name for it. */
  tool: string
}

export interface CallHistory {
  /**
   * Calls of tools, the newest first, refused ones among them.
   * @param query.since Unix milliseconds; `limit` 1 to 1,000; `cursor` is the `next` of the page before
   */
  read(query: {
    since: number
    limit: number
    cursor: string | null
  }): Promise<{ calls: readonly RecordedCall[]; next: string | null }>
}
