/** How a message between two replicas travels over the bus: cut into frames that the bus carries, and put together again. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'

/** From who asks: `ask`, `answer`, `cancel`, `still`. To who asks: `note`, `question`, `end`, `alive`. */
const words = ['ask', 'answer', 'cancel', 'still', 'note', 'question', 'end', 'alive'] as const
export type FrameWord = (typeof words)[number]

/** `id`: of the ask that it belongs to. */
export type FrameHead = { do: FrameWord; id: string }
export type Frame = FrameHead & { from: string; at: number; isLast: boolean; text: string }

/**
 * What is carried as one message. A server's answer may be larger; but a reader that falls this far behind is let go by Redis
 * (client-output-buffer-limit, 32 MB).
 * @internal for the tests of what it bounds
 */
export const carriedCharsMax = 8_388_608
/** A frame is text within JSON, where quotation marks take twice the room: it stays below `busMessageCharsMax`. */
const frameCharsMax = 500_000

/** @throws GatewayError `carried_too_large` */
export function cut(body: JsonObject): Pick<Frame, 'at' | 'isLast' | 'text'>[] {
  const text = JSON.stringify(body)
  if (text.length > carriedCharsMax) throw new GatewayError('carried_too_large', { details: { carriedCharsMax } })
  const count = Math.ceil(text.length / frameCharsMax)
  return Array.from({ length: count }, (_, at) => ({
    at,
    isLast: at === count - 1,
    text: text.slice(at * frameCharsMax, (at + 1) * frameCharsMax),
  }))
}

/** Null for what no replica of this version has sent. */
export function parseFrame(sent: JsonObject): Frame | null {
  const { id, from, at, isLast, text } = sent
  const word = words.find((known) => known === sent['do'])
  if (word === undefined || typeof id !== 'string' || typeof from !== 'string') return null
  if (typeof at !== 'number' || typeof isLast !== 'boolean' || typeof text !== 'string') return null
  return { do: word, id, from, at, isLast, text }
}

/** Puts the frames of one direction together. The bus keeps their order, and may lose some. */
export class FrameReader {
  #texts: string[] = []
  #chars = 0

  /** The whole message; null while it is under way; `broken` where a part of it was lost, or it is too large. */
  take({ at, isLast, text }: Frame): JsonObject | null | 'broken' {
    this.#chars += text.length
    if (at !== this.#texts.length || this.#chars > carriedCharsMax) return 'broken'
    this.#texts.push(text)
    if (!isLast) return null
    const whole = this.#texts.join('')
    this.#texts = []
    this.#chars = 0
    return parse(whole)
  }
}

function parse(text: string): JsonObject | 'broken' {
  try {
    const body: unknown = JSON.parse(text)
    return isJsonObject(body) ? body : 'broken'
  } catch {
    return 'broken'
  }
}
