/** Port: secrets at rest. Types only. */

/** Gives text to a store that may neither read nor change it, and takes it back. */
export interface Sealer {
  /**
   * @param context what the text is for and whose it is: not in the result, and whoever opens must name the same
   * @returns `sealed2:`, the data key's id (8 hexadecimal digits), `:`, and base64url
   */
  seal(text: string, context: string): string
  /** Null where the text was changed, or was sealed under a key that is not known, or for another context. */
  open(sealed: string, context: string): string | null
}
