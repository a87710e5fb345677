/** Sealing under data keys that are replaced while texts are under them. */
import { GatewayError } from '#contract/errors.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import type { KeyRing } from './key-ring.ts'
import { parseSealedText, sealingKeyOf, toSealedText } from './sealed-form.ts'

export interface Vault extends Sealer {
  /** The id of the key that seals now. */
  readonly keyId: string
  /** False: the text is under a key that another process may have made since; `reload`, and open it then. */
  knows(sealed: string): boolean
  /** Rejects as `KeyRing.reload`. */
  reload(): Promise<void>
}

/** @param former opens what was sealed before there were data keys */
export function createVault(ring: KeyRing, former: Pick<Sealer, 'open'>): Vault {
  return {
    get keyId() {
      return ring.current.id
    },
    seal(text, context) {
      const { id, cipher } = ring.current
      return toSealedText(id, cipher.seal(text, context))
    },
    open(sealed, context) {
      const parsed = parseSealedText(sealed)
      if (!parsed) return former.open(sealed, context)
      return ring.find(parsed.keyId)?.cipher.open(parsed.payload, context) ?? null
    },
    knows(sealed) {
      const keyId = sealingKeyOf(sealed)
      return keyId === null || ring.find(keyId) !== undefined
    },
    reload: () => ring.reload(),
  }
}

/** As `open`, and knows the keys that others have made. */
export async function openSealed(
  vault: Pick<Vault, 'open' | 'knows' | 'reload'>,
  sealed: string,
  context: string,
): Promise<string | null> {
  if (!vault.knows(sealed)) await vault.reload()
  return vault.open(sealed, context)
}

/**
 * For what seals and stores: once more, with the keys as they are now, where the key was deleted in between. Nothing was stored then.
 * @param write seals anew each time
 */
export async function storeSealed<Result>(vault: Pick<Vault, 'reload'>, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'sealing_key_replaced')) throw error
  }
  await vault.reload()
  return write()
}
