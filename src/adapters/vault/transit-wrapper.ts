/** Wraps data keys with a key that never leaves a HashiCorp Vault or OpenBao (https://openbao.org/api-docs/secret/transit/). */
import type { GatewayError } from '#contract/errors.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { createVaultHttp, refusal, type VaultAnswer } from './vault-http.ts'
import { vaultToken, type VaultLogin } from './vault-login.ts'

export type TransitOptions = {
  /** Undefined: the variable VAULT_ADDR. */
  address?: string | undefined
  mount: string
  key: string
  /** Created with `derived`: a context goes with each request. */
  isDerived: boolean
  /** Undefined: the variable VAULT_NAMESPACE. */
  namespace?: string | undefined
  /** Undefined: the variable VAULT_CACERT. */
  ca?: string | undefined
  login: VaultLogin
}

/**
 * Nothing is asked yet.
 * @throws GatewayError `config_invalid`
 */
export function createTransitWrapper(
  options: TransitOptions,
  env: Readonly<Record<string, string | undefined>>,
): KeyWrapper {
  const { mount, key, isDerived, login } = options
  const address = options.address ?? env['VAULT_ADDR']
  if (address === undefined) throw refusal('Name the address of the vault: vault.address, or the variable VAULT_ADDR.')
  const http = createVaultHttp({
    address,
    namespace: options.namespace ?? env['VAULT_NAMESPACE'],
    ca: options.ca ?? env['VAULT_CACERT'],
  })
  const ask = async (what: 'encrypt' | 'decrypt', body: object): Promise<VaultAnswer> => {
    const path = `${mount}/${what}/${key}`
    const answer = await http.ask(path, body, await vaultToken(http, login, env))
    if (answer.status === 200 || answer.status === 400) return answer
    throw refused(`The vault at ${http.address}`, path, answer.status)
  }
  return {
    id: `transit:${mount}/${key}`,
    async wrap(dataKey, context) {
      const plaintext = Buffer.from(dataKey).toString('base64')
      const { status, body } = await ask('encrypt', { plaintext, ...boundTo(context, isDerived) })
      const ciphertext = dataOf(body)['ciphertext']
      if (status === 200 && typeof ciphertext === 'string' && ciphertext.startsWith('vault:')) return ciphertext
      throw refusal(
        `The vault at ${http.address} does not encrypt with ${mount}/${key} (${status}): the key must exist there, of a type such as aes256-gcm96, and vault.isDerived be as it was created.`,
      )
    },
    async unwrap(text, context) {
      const { status, body } = await ask('decrypt', { ciphertext: text, ...boundTo(context, isDerived) })
      const plaintext = dataOf(body)['plaintext']
      return status === 200 && typeof plaintext === 'string' ? Buffer.from(plaintext, 'base64') : null
    },
  }
}

/** Associated data binds what is wrapped to what it is for; a derived key wants a context besides, and any other ignores it. */
function boundTo(context: string, isDerived: boolean): { associated_data: string; context?: string } {
  const bytes = Buffer.from(context).toString('base64')
  return { associated_data: bytes, ...(isDerived && { context: bytes }) }
}

function dataOf(body: unknown): Record<string, unknown> {
  const data = isJsonObject(body) ? body['data'] : undefined
  return isJsonObject(data) ? data : {}
}

function refused(who: string, path: string, status: number): GatewayError {
  if (status === 403)
    return refusal(`${who} refuses (403): the token is not valid any more, or has no policy with update on ${path}.`)
  if (status === 404) return refusal(`${who} has nothing at ${path} (404): look at vault.mount and vault.namespace.`)
  return refusal(`${who} answers ${path} with ${status}.`)
}
