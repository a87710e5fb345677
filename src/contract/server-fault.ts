/** What is wrong with a definition, told by where it stands. */

/** `keys` lead to the value. `isAboutKey`: the key should not be there. No message ever holds a value. */
export type ServerFault = { keys: readonly (string | number)[]; message: string; isAboutKey?: true }

/** What was sent and may be wrong in any way. */
export type OpenRecord = Readonly<Record<string, unknown>>

/** A transport says its `kind`; in the configuration it is `transport`, or left out. */
export function transportOf({ kind, transport, url }: OpenRecord): unknown {
  const isWebSocket = typeof url === 'string' && /^wss?:/i.test(url)
  return kind ?? transport ?? (isWebSocket ? 'websocket' : 'streamable_http')
}

export function isOpenRecord(value: unknown): value is OpenRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
