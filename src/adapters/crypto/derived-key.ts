/** One secret of an operator's, and a key for each use of it. */
import { createHmac, hkdfSync } from 'node:crypto'

/** 32 bytes for one use (RFC 5869); who has one of them has none of the others. */
export function deriveKey(secret: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `toolgate ${use}`, 32))
}

/** Eight hexadecimal digits that tell keys apart and say nothing of them. */
export function keyIdOf(key: Buffer): string {
  return createHmac('sha256', key).update('toolgate: id of this key').digest('hex').slice(0, 8)
}
