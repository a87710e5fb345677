/** What a token resolves to: who calls, and what they may. */
import type { Access } from '#core/access/access.ts'

export type Principal = {
  /** Equal for all tokens of one owner; isolates upstream sessions. */
  id: string
  tokenId: string
  tokenName: string
  access: Access
  /** Unix time in milliseconds, or null: never. */
  expiresAt: number | null
}
