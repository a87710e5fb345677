/**
 * FNV-1a in 64 bits, as 16 hex digits: the same on every machine, which is all that a shortened name needs. It is no
 * cryptographic hash; where two names meet, the name map refuses them.
 */
export function textHash(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}
