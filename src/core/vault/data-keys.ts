/** Port: keys that seal, as the process has them. Types only. */

export interface DataCipher {
  /** @returns base64url, another one each time */
  seal(text: string, context: string): string
  /** Null where it was changed, or was sealed under another key, or for another context. */
  open(payload: string, context: string): string | null
}

export interface DataKeys {
  /** 32 random bytes. */
  make(): Uint8Array
  /** Eight hexadecimal digits that tell keys apart and say nothing of them. */
  idOf(key: Uint8Array): string
  toCipher(key: Uint8Array): DataCipher
}
