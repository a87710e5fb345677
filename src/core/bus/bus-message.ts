/** How a message of the bus is written. The same text on every bus, so that what one bus carries every other does. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'

/** A bus is for short messages; what is larger belongs in a store. */
export const busMessageCharsMax = 1_048_576

/** @throws RangeError */
export function encodeBusMessage(message: JsonObject): string {
  const text = JSON.stringify(message)
  if (text.length > busMessageCharsMax)
    throw new RangeError(`a bus message has at most ${busMessageCharsMax} characters`)
  return text
}

/** Null for what no publisher has written. */
export function decodeBusMessage(text: string): JsonObject | null {
  try {
    const message: unknown = JSON.parse(text)
    return isJsonObject(message) ? message : null
  } catch {
    return null
  }
}
