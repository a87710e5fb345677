import { randomFillSync } from 'node:crypto'

const idBytes = 15
const pool = Buffer.alloc(idBytes * 256)
let used = pool.length

/**
 * `prefix`, `_`, and 120 random bits in 20 base64url characters: nobody guesses one. Random bytes are drawn for 256 ids at
 * once, because each request has an id and each draw costs a system call.
 */
export function randomId(prefix: string): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += idBytes
  return `${prefix}_${pool.toString('base64url', start, used)}`
}
