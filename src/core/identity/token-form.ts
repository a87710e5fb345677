/**
 * What a `key` token looks like.
 *
 * - Minted: `tg_`, 43 base64url characters (32 random bytes), then 6 base62 characters: the CRC-32 of all that precedes
 *   them (`tg_` included), most significant digit first, digits `0-9A-Za-z`, padded with `0`. 52 characters in all. A secret
 *   scanner matches `tg_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}` and verifies the checksum without asking anybody.
 * - Given by an operator in the configuration: `tg_` and 32 to 200 characters of `A-Za-z0-9_-`, without a checksum. Only
 *   a rest of exactly 49 is taken as minted, so its checksum must be right. No base64 or hex text has that length.
 */
export const tokenPrefix = 'tg_'

const randomChars = 43
const checksumChars = 6
const mintedChars = tokenPrefix.length + randomChars + checksumChars
const givenCharsMin = tokenPrefix.length + 32
const givenCharsMax = tokenPrefix.length + 200

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** 1 for each character code of base64url. */
const isUrlSafe = new Uint8Array(128)
for (const char of `${base62}-_`) isUrlSafe[char.charCodeAt(0)] = 1

/** CRC-32 as in zlib and PNG: polynomial 0xEDB88320, reflected. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

const scheme = /^Bearer +(\S+)$/i

/** What an `Authorization` header gives (RFC 6750 §2.1); undefined where it is none, or of another scheme. */
export function bearerIn(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : scheme.exec(authorization)?.[1]
}

/** Whether this can be a token at all. Runs before any lookup, on whatever a caller sends: linear, and long input costs nothing. */
export function isTokenForm(raw: string): boolean {
  if (raw.length < givenCharsMin || raw.length > givenCharsMax || !raw.startsWith(tokenPrefix)) return false
  for (let index = tokenPrefix.length; index < raw.length; index++) {
    if (isUrlSafe[raw.charCodeAt(index)] !== 1) return false
  }
  if (raw.length !== mintedChars) return true
  return raw.endsWith(tokenChecksum(raw.slice(0, -checksumChars)))
}

/** The six characters that end a minted token. `text` is ASCII. */
export function tokenChecksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let index = 0; index < checksumChars; index++) {
    digits = base62.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

function crc32(text: string): number {
  let crc = 0xffffffff
  for (let index = 0; index < text.length; index++) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
