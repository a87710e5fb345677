/**
 * Reads a JSON-RPC response that goes by in pieces, without building it: whether it is whole, and how it ended. It counts brackets and looks
 * at the keys of the message and of its result; what stands deeper is only skipped.
 */

/** How a request ended that was answered. */
export type ResponseEnding = 'ok' | 'tool_error' | 'error' | 'input_required'

/** Deeper than anything that is relayed (see scan.ts). */
const depthMax = 1_000
/** Enough for the longest word that is looked for, were every letter of it escaped. */
const wordBytesMax = 96
/** After so many bytes a string is taken for a long one, and its end is searched for. */
const shortBytes = 64

const space = 32
const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const letterT = 116
const openBrace = 123
const closeBrace = 125

/** What comes next in an object whose keys are looked at. */
type Place = 'key' | 'colon' | 'value' | 'comma'

export class ResponseScan {
  #isBroken = false
  #hasBegun = false
  /** The closing bytes that are waited for. */
  readonly #closers: number[] = []
  #isInString = false
  /** The chunk before ended within an escape. */
  #isEscaped = false
  #place: Place = 'key'
  #key: string | null = null
  /** What is read of a string in which a word may stand; null for all others. */
  #word: string | null = null
  /** Whether the result is an object. Of two equal keys the last counts, as it does for parsers. */
  #hasResult = false
  /** Whether the object at depth 2 is the result. */
  #isInResult = false
  #isError = false
  #isInputRequired = false
  #hasState = false
  #hasId = false

  /**
   * Whether the result is one for a client to answer, with a state of the server's, as far as it has been read: such a one is not to be had
   * as it is (request-states.ts).
   */
  get holdsState(): boolean {
    return this.#isInputRequired && this.#hasState
  }

  /** Whether it can still turn out to be one, because either of the two has been read. */
  get mayHoldState(): boolean {
    return this.#isInputRequired || this.#hasState
  }

  /** @returns false once this cannot become a JSON object any more */
  push(bytes: Uint8Array): boolean {
    let at = 0
    while (at < bytes.length && !this.#isBroken) {
      if (this.#isInString) at = this.#readString(bytes, at)
      else if (this.#closers.length > 2) at = this.#skip(bytes, at)
      else this.#take(bytes[at++] ?? 0)
    }
    return !this.#isBroken
  }

  /** How the response ended; null where it is not whole. */
  end(): ResponseEnding | null {
    if (this.#isBroken || !this.#hasBegun || this.#closers.length > 0) return null
    if (!this.#hasResult) return 'error'
    if (this.#isError) return 'tool_error'
    return this.#isInputRequired ? 'input_required' : 'ok'
  }

  /** Where no key is of interest: over strings, and on to the bracket that leads out. */
  #skip(bytes: Uint8Array, from: number): number {
    const { length } = bytes
    let at = from
    while (at < length) {
      const byte = bytes[at++]
      if (byte === quote) {
        at = stringEnd(bytes, at) + 1
        if (at > length) return this.#pauseInString(bytes, at - 1)
      } else if (byte === openBrace || byte === openBracket) this.#open(byte)
      else if (byte === closeBrace || byte === closeBracket) {
        this.#close(byte)
        if (this.#closers.length <= 2) return at
      }
    }
    return at
  }

  #pauseInString(bytes: Uint8Array, end: number): number {
    this.#isInString = true
    this.#isEscaped = end > bytes.length
    return bytes.length
  }

  /** One byte outside of strings, where keys are of interest. */
  #take(byte: number): void {
    if (byte <= space) return
    if (this.#closers.length === 0 && (this.#hasBegun || byte !== openBrace)) this.#isBroken = true
    else if (byte === closeBrace || byte === closeBracket) this.#close(byte)
    else if (byte === comma) this.#place = 'key'
    else if (byte === colon) this.#place = 'value'
    else this.#begin(byte)
  }

  /** A key or a value begins. */
  #begin(byte: number): void {
    if (this.#place === 'value') this.#beginValue(byte)
    if (byte === openBrace || byte === openBracket) return this.#open(byte)
    if (byte === quote) {
      this.#isInString = true
      this.#word = ''
    } else this.#place = 'comma'
  }

  #beginValue(byte: number): void {
    const depth = this.#closers.length
    if (depth === 1) {
      this.#isInResult = this.#key === 'result' && byte === openBrace
      if (this.#key !== 'result') return
      this.#hasResult = this.#isInResult
      this.#isError = false
      this.#isInputRequired = false
      this.#hasState = false
    } else if (this.#isResultsOwn) {
      if (this.#key === 'isError') this.#isError = byte === letterT
      if (this.#key === 'resultType') this.#isInputRequired = false
      if (this.#key === 'requestState') this.#hasState = byte === quote
    }
  }

  #open(byte: number): void {
    this.#hasBegun = true
    this.#place = 'key'
    // The two brackets of a kind stand two apart in ASCII.
    if (this.#closers.push(byte + 2) > depthMax) this.#isBroken = true
  }

  #close(byte: number): void {
    this.#place = 'comma'
    if (this.#closers.pop() !== byte) this.#isBroken = true
  }

  /** @returns where the string has ended, or the chunk */
  #readString(bytes: Uint8Array, from: number): number {
    const end = stringEnd(bytes, this.#isEscaped ? from + 1 : from)
    if (this.#word !== null) this.#keepWord(bytes.subarray(from, end))
    if (end >= bytes.length) return this.#pauseInString(bytes, end)
    this.#isInString = false
    this.#isEscaped = false
    if (this.#word !== null) this.#endWord(this.#word)
    return end + 1
  }

  #keepWord(bytes: Uint8Array): void {
    const word = this.#word ?? ''
    if (word.length <= wordBytesMax) this.#word = word + String.fromCharCode(...bytes.subarray(0, wordBytesMax + 1))
  }

  #endWord(text: string): void {
    const word = unescaped(text)
    this.#word = null
    if (this.#place === 'key') {
      this.#key = word
      this.#place = 'colon'
      if (word === 'id' && this.#closers.length === 1) this.#noteId()
      return
    }
    const isType = this.#place === 'value' && this.#key === 'resultType'
    if (isType && this.#isResultsOwn) this.#isInputRequired = word === 'input_required'
    this.#place = 'comma'
  }

  /** Of two equal keys the last counts: with a second id, a response would answer another request than its beginning says. */
  #noteId(): void {
    if (this.#hasId) this.#isBroken = true
    this.#hasId = true
  }

  get #isResultsOwn(): boolean {
    return this.#isInResult && this.#closers.length === 2
  }
}

/** Where the closing quote stands; without one, the length, or one more where an escape takes the next byte too. Each byte is looked at once or twice. */
function stringEnd(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  const near = Math.min(from + shortBytes, length)
  let at = from
  while (at < near) {
    const byte = bytes[at]
    if (byte === quote) return at
    at += byte === backslash ? 2 : 1
  }
  while (at < length) {
    const found = bytes.indexOf(quote, at)
    const end = found === -1 ? length : found
    if (!endsInEscape(bytes, at, end)) return end
    at = end + 1
  }
  return at
}

/** Whether the byte at `end` is taken by an escape: an odd number of backslashes stands right before it. `from` is outside of escapes. */
function endsInEscape(bytes: Uint8Array, from: number, end: number): boolean {
  let at = end
  while (at > from && bytes[at - 1] === backslash) at--
  return (end - at) % 2 === 1
}

/** Null for what is too long to be a word. */
function unescaped(text: string): string | null {
  if (text.length > wordBytesMax) return null
  if (!text.includes('\\')) return text
  try {
    const word: unknown = JSON.parse(`"${text}"`)
    return typeof word === 'string' ? word : null
  } catch {
    return null
  }
}
