/** Where the token comes from with which a vault is asked. */
import { readFileSync } from 'node:fs'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { refusal, type VaultHttp } from './vault-http.ts'

export type VaultLogin =
  | { kind: 'token'; tokenFile?: string | undefined }
  /** https://openbao.org/api-docs/auth/approle/#login-with-approle */
  | { kind: 'approle'; mount: string; roleId: string; secretIdFile: string }
  /** https://openbao.org/api-docs/auth/kubernetes/#login */
  | { kind: 'kubernetes'; mount: string; role: string; tokenFile: string }

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What is in files is read each time: others replace it there.
 * @throws GatewayError `config_invalid`, `vault_unavailable`
 */
export async function vaultToken(http: VaultHttp, login: VaultLogin, env: Environment): Promise<string> {
  if (login.kind === 'token') return givenToken(login.tokenFile, env)
  if (login.kind === 'approle')
    return signIn(http, login, { role_id: login.roleId, secret_id: readSecret(login.secretIdFile) })
  return signIn(http, login, { role: login.role, jwt: readSecret(login.tokenFile) })
}

function givenToken(file: string | undefined, env: Environment): string {
  if (file !== undefined) return readSecret(file)
  const token = env['VAULT_TOKEN'] ?? ''
  if (token === '') throw refusal('Set VAULT_TOKEN, or name a file with the token (vault.login.tokenFile).')
  return checkText(token, 'VAULT_TOKEN')
}

function readSecret(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch {
    throw refusal(`The file ${path}, which is to hold a secret for the vault, cannot be read.`)
  }
  return checkText(text, path)
}

/** It becomes the value of a header, and the complaint of who sends it would repeat it. */
function checkText(text: string, where: string): string {
  if (/^[\x21-\x7e]{1,16384}$/.test(text)) return text
  throw refusal(`${where} must hold one word of printable characters for the vault.`)
}

async function signIn(
  http: VaultHttp,
  { kind, mount }: { kind: string; mount: string },
  body: object,
): Promise<string> {
  const { status, body: answer } = await http.ask(`auth/${mount}/login`, body, null)
  const auth = isJsonObject(answer) ? answer['auth'] : undefined
  const token = isJsonObject(auth) ? auth['client_token'] : undefined
  if (status === 200 && typeof token === 'string') return checkText(token, `The answer of ${http.address}`)
  throw refusal(`The vault at ${http.address} refuses the login by ${kind} at auth/${mount} (${status}).`)
}
