/** What is wrong with a definition, told by where it stands. */

/** `keys` lead to the value. `isAboutKey`: the key should not be there. No message ever holds a value. */
export type ServerFault = { keys: readonly (string | number)[]; message: string; isAboutKey?: true }

/** What was sent and may be wrong in any way. */
export type OpenRecord = Readonly<Record<string, unknown>>

export function isOpenRecord(value: unknown): value is OpenRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
