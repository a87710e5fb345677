/** What the gateway shows of itself in TLS (RFC 8446 §4.4.2): made once for each server, when it is opened. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GatewayError } from '#contract/errors.ts'

export type ClientTls = {
  /** PEM, with the chain below it. */
  certificate: string
  /** PEM. */
  key: string
  passphrase?: string | undefined
  /** PEM: who signs the server's certificate, instead of the usual authorities. */
  ca?: string | undefined
}

/**
 * Says nothing of whether the server is who it should be: wires always check that.
 * @throws GatewayError `config_invalid` with the `path` of the member that cannot be used, and never a part of it
 */
export function createClientTls({ certificate, key, passphrase, ca }: ClientTls): SecureContext {
  const [first] = parseCertificates('certificate', certificate)
  const privateKey = parseKey(key, passphrase)
  if (first?.checkPrivateKey(privateKey) !== true) throw invalid('key', 'it does not belong to the certificate')
  if (ca !== undefined) parseCertificates('ca', ca)
  try {
    return createSecureContext({
      cert: certificate,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ...(ca !== undefined && { ca }),
      minVersion: 'TLSv1.2',
    })
  } catch {
    throw invalid('certificate', 'it cannot be used with its key')
  }
}

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

/** Words between them are comments (RFC 7468 §2). */
function parseCertificates(member: 'certificate' | 'ca', text: string): X509Certificate[] {
  const parts = text.split(end)
  const rest = parts.pop() ?? ''
  if (parts.length === 0 || rest.includes(begin)) throw invalid(member, 'it is not a certificate in PEM')
  try {
    return parts.map((part) => new X509Certificate(part.slice(part.indexOf(begin)) + end))
  } catch {
    throw invalid(member, 'it is not a certificate in PEM')
  }
}

function parseKey(key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch {
    if (!isEncrypted(key)) throw invalid('key', 'it is not a private key in PEM')
    throw invalid('passphrase', passphrase === undefined ? 'the key is encrypted' : 'it does not open the key')
  }
}

/** PKCS #8 says it in its first line, the older forms in their second. */
function isEncrypted(key: string): boolean {
  return key.includes('BEGIN ENCRYPTED PRIVATE KEY') || key.includes('Proc-Type: 4,ENCRYPTED')
}

function invalid(member: keyof ClientTls, reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { path: `transport.tls.${member}`, reason } })
}
