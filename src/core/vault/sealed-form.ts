/** How a sealed text says under which data key it is: `sealed2:`, the key's id, `:`, and base64url. */

const form = /^sealed2:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/
const idEnd = 'sealed2:00000000'.length

export function toSealedText(keyId: string, payload: string): string {
  return `sealed2:${keyId}:${payload}`
}

/** Null where it is of another form, such as `sealed1:`, whose key is derived from the secret of the installation. */
export function parseSealedText(sealed: string): { keyId: string; payload: string } | null {
  const [, keyId, payload] = form.exec(sealed) ?? []
  return keyId === undefined || payload === undefined ? null : { keyId, payload }
}

/** The beginning is enough: what follows may be long. */
export function sealingKeyOf(sealed: string): string | null {
  return /^sealed2:[0-9a-f]{8}:/.test(sealed) ? sealed.slice(idEnd - 8, idEnd) : null
}
