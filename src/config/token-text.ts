/** What a token in the configuration must look like so that the gateway takes it for one when it comes back. */
import { crc32 } from 'node:zlib'

export const tokenTextRule =
  'must be "tg_" and 32 to 200 letters, digits, _ or -; 49 of them end with the checksum of a token made by Toolgate'

const mintedChars = 52
const checksumChars = 6
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A token of a minted one's length with another checksum is a typing error, and would be refused at the door. */
export function isTokenText(text: string): boolean {
  if (!/^tg_[A-Za-z0-9_-]{32,200}$/.test(text)) return false
  return text.length !== mintedChars || text.endsWith(checksum(text.slice(0, -checksumChars)))
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  while (digits.length < checksumChars) {
    digits = base62.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
