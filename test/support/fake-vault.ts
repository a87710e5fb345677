/**
 * A stand-in for a HashiCorp Vault or OpenBao: the transit engine, AppRole and the Kubernetes login as their HTTP API documents them
 * (https://openbao.org/api-docs/secret/transit/, /auth/approle/, /auth/kubernetes/, /api-docs/#http-status-codes). Stricter where it can be:
 * a parameter that the documentation does not have is refused.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { json } from 'node:stream/consumers'
import type { Certified } from './certificates.ts'

type Capability = 'create' | 'update'

export type FakeVault = AsyncDisposable & {
  url: string
  /** The tokens that are valid, with what each may do on `transit/*`. */
  tokens: Map<string, readonly Capability[]>
  /** All requests in their order, without what is secret in them. */
  asked: { path: string; parameters: string[] }[]
  createKey(name: string, options?: { isDerived?: boolean; type?: string }): void
  /** A new version; older ones still decrypt. */
  rotateKey(name: string): void
  setMinDecryptionVersion(name: string, version: number): void
  seal(isSealed: boolean): void
  /** Answers like this to everything, until it is called with null. */
  answerWith(answer: ((response: ServerResponse) => void) | null): void
  /** No longer reachable. */
  stop(): Promise<void>
}

export type FakeVaultOptions = {
  namespace?: string
  tls?: Certified
  approle?: { roleId: string; secretId: string }
  kubernetes?: { role: string; jwt: string }
}

type TransitKey = { type: string; isDerived: boolean; versions: Buffer[]; minDecryptionVersion: number }

/** What ends a request. */
class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const aeadTypes = new Set(['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305'])
const parametersOf: Readonly<Record<string, readonly string[]>> = {
  encrypt: ['plaintext', 'associated_data', 'context', 'key_version', 'nonce', 'type', 'convergent_encryption'],
  decrypt: ['ciphertext', 'associated_data', 'context', 'nonce'],
  approle: ['role_id', 'secret_id'],
  kubernetes: ['role', 'jwt'],
}

export async function startFakeVault(options: FakeVaultOptions = {}): Promise<FakeVault> {
  const keys = new Map<string, TransitKey>()
  const tokens: FakeVault['tokens'] = new Map()
  const asked: FakeVault['asked'] = []
  let isSealed = false
  let answering: ((response: ServerResponse) => void) | null = null

  async function handle(request: IncomingMessage): Promise<object> {
    const path = (request.url ?? '').replace(/^\/v1\//, '')
    if (request.method !== 'POST') throw new Refusal(405, 'unsupported operation')
    const body = (await json(request)) as Record<string, unknown>
    asked.push({ path, parameters: Object.keys(body).toSorted() })
    if (isSealed) throw new Refusal(503, 'Vault is sealed')
    if (request.headers['x-vault-request'] !== 'true') throw new Refusal(400, 'missing "X-Vault-Request" header')
    if (request.headers['x-vault-namespace'] !== options.namespace) throw new Refusal(404, 'no handler for route')
    const login = /^auth\/(approle|kubernetes)\/login$/.exec(path)?.[1]
    if (login !== undefined) return signIn(login, body)
    const capabilities = tokens.get(String(request.headers['x-vault-token']))
    if (!capabilities) throw new Refusal(403, 'permission denied')
    return { data: transit(path, body, capabilities) }
  }

  function transit(path: string, body: Record<string, unknown>, capabilities: readonly Capability[]): object {
    const [, what = '', name = ''] = /^transit\/(encrypt|decrypt)\/([\w.-]+)$/.exec(path) ?? []
    if (what === '') throw new Refusal(404, `no handler for route ${JSON.stringify(path)}`)
    checkParameters(what, body)
    const key = keys.get(name) ?? (what === 'encrypt' ? upsert(name, body, capabilities) : undefined)
    if (!key) throw new Refusal(400, 'encryption key not found')
    if (!capabilities.includes('update')) throw new Refusal(403, 'permission denied')
    return what === 'encrypt' ? encrypt(key, body) : decrypt(key, body)
  }

  /** Who may create makes a key of a name that is not there. */
  function upsert(
    name: string,
    body: Record<string, unknown>,
    capabilities: readonly Capability[],
  ): TransitKey | undefined {
    if (capabilities.includes('create')) createKey(name, { isDerived: 'context' in body })
    return keys.get(name)
  }

  function signIn(kind: string, body: Record<string, unknown>): object {
    checkParameters(kind, body)
    const { approle, kubernetes } = options
    const isRight =
      kind === 'approle'
        ? approle && body['role_id'] === approle.roleId && body['secret_id'] === approle.secretId
        : kubernetes && body['role'] === kubernetes.role && body['jwt'] === kubernetes.jwt
    if (!isRight) throw new Refusal(kind === 'approle' ? 400 : 403, 'invalid role or secret ID')
    const token = `hvs.${randomBytes(12).toString('hex')}`
    tokens.set(token, ['update'])
    return { auth: { client_token: token, renewable: true, lease_duration: 1_200, token_policies: ['default'] } }
  }

  function createKey(name: string, { isDerived = false, type = 'aes256-gcm96' } = {}): void {
    keys.set(name, { type, isDerived, versions: [randomBytes(32)], minDecryptionVersion: 1 })
  }

  const listener: RequestListener = (request, response) => {
    if (answering) return answering(response)
    const envelope = { request_id: randomUUID(), lease_id: '', renewable: false, lease_duration: 0 }
    handle(request).then(
      (found) =>
        send(response, 200, { ...envelope, data: null, wrap_info: null, warnings: null, auth: null, ...found }),
      (error: unknown) => send(response, error instanceof Refusal ? error.status : 500, { errors: [String(error)] }),
    )
  }
  const { tls } = options
  const server = tls ? createSecureServer({ cert: tls.certificate, key: tls.key }, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  async function stop(): Promise<void> {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  const keyOf = (name: string): TransitKey => {
    const key = keys.get(name)
    if (!key) throw new Error(`there is no key ${name}`)
    return key
  }
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    tokens,
    asked,
    createKey,
    rotateKey: (name) => void keyOf(name).versions.push(randomBytes(32)),
    setMinDecryptionVersion: (name, version) => void (keyOf(name).minDecryptionVersion = version),
    seal: (wanted) => void (isSealed = wanted),
    answerWith: (answer) => void (answering = answer),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function checkParameters(what: string, body: Record<string, unknown>): void {
  const unknown = Object.keys(body).find((name) => !parametersOf[what]?.includes(name))
  if (unknown !== undefined) throw new Refusal(400, `this stand-in knows no parameter ${unknown}`)
}

function encrypt(key: TransitKey, body: Record<string, unknown>): object {
  const plaintext = decode(body['plaintext'], 'missing plaintext to encrypt')
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', cipherKey(key, key.versions.length, body), nonce)
  cipher.setAAD(associatedData(key, body))
  const bytes = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return { ciphertext: `vault:v${key.versions.length}:${bytes.toString('base64')}`, key_version: key.versions.length }
}

function decrypt(key: TransitKey, body: Record<string, unknown>): object {
  const given = body['ciphertext']
  const [, version = '', text = ''] = /^vault:v(\d+):(.+)$/.exec(typeof given === 'string' ? given : '') ?? []
  if (version === '') throw new Refusal(400, 'invalid ciphertext: no prefix')
  if (Number(version) < key.minDecryptionVersion) throw new Refusal(400, 'ciphertext version is disallowed by policy')
  if (Number(version) > key.versions.length) throw new Refusal(400, 'invalid ciphertext: version is too new')
  const bytes = decode(text, 'invalid ciphertext: could not decode base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', cipherKey(key, Number(version), body), bytes.subarray(0, 12))
    decipher.setAAD(associatedData(key, body))
    decipher.setAuthTag(bytes.subarray(-16))
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    return { plaintext: plaintext.toString('base64') }
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(400, 'cipher: message authentication failed')
  }
}

/** A key that is not derived ignores the context. */
function cipherKey({ isDerived, versions }: TransitKey, version: number, body: Record<string, unknown>): Buffer {
  const key = versions[version - 1] ?? Buffer.alloc(0)
  if (!isDerived) return key
  const context = decode(
    body['context'],
    'missing "context" for key derivation; the key was created using a derived key',
  )
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), context, 32))
}

function associatedData({ type }: TransitKey, body: Record<string, unknown>): Buffer {
  if (body['associated_data'] === undefined) return Buffer.alloc(0)
  if (!aeadTypes.has(type)) throw new Refusal(400, `'associated_data' provided for non-AEAD cipher suite ${type}`)
  return decode(body['associated_data'], 'failed to decode associated_data')
}

/** Standard base64, as Go's StdEncoding reads it. */
function decode(given: unknown, complaint: string): Buffer {
  const bytes = typeof given === 'string' ? Buffer.from(given, 'base64') : Buffer.alloc(0)
  if (bytes.length === 0 || bytes.toString('base64') !== given) throw new Refusal(400, complaint)
  return bytes
}
