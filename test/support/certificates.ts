/** Authorities and certificates (X.509 v3, RFC 5280), made on the fly: keys that stand in a repository are found and reported for ever. */
import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

export type Certified = {
  /** PEM. */
  certificate: string
  /** PKCS #8, PEM. */
  key: string
}

export type Authority = Certified & {
  /** For a server: its names and IPv4 addresses. For a client: none. */
  issue(name: string, hosts?: readonly string[]): Certified
}

export function createAuthority(name: string): Authority {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = certify(
    { subject: name, key: privateKey, isAuthority: true, hosts: [] },
    { issuer: name, signer: privateKey },
  )
  return {
    ...own,
    issue(subject, hosts = []) {
      const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return certify({ subject, key, isAuthority: false, hosts }, { issuer: name, signer: privateKey })
    },
  }
}

type Wish = { subject: string; key: KeyObject; isAuthority: boolean; hosts: readonly string[] }

function certify(wish: Wish, { issuer, signer }: { issuer: string; signer: KeyObject }): Certified {
  const publicKey = createPublicKey(wish.key).export({ type: 'spki', format: 'der' })
  const day = 86_400_000
  const validity = sequence(utcTime(Date.now() - day), utcTime(Date.now() + day))
  const names = [nameOf(issuer), validity, nameOf(wish.subject), publicKey]
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    serial(),
    ecdsa,
    ...names,
    tagged(0xa3, sequence(...extensions(wish))),
  )
  const certificate = sequence(body, ecdsa, bits(sign('sha256', body, signer)))
  return { certificate: pem(certificate), key: wish.key.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function extensions({ isAuthority, hosts }: Wish): Buffer[] {
  const all = isAuthority ? [extension([0x55, 0x1d, 0x13], sequence(tagged(0x01, Buffer.of(0xff))))] : []
  const isAddress = (host: string): boolean => /^[\d.]+$/.test(host)
  const alternatives = hosts.map((host) =>
    isAddress(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host)),
  )
  return hosts.length === 0 ? all : [...all, extension([0x55, 0x1d, 0x11], sequence(...alternatives))]
}

const extension = (id: readonly number[], value: Buffer): Buffer => sequence(oid(id), tagged(0x04, value))

/** ecdsa-with-SHA256 (RFC 5758 §3.2). */
const ecdsa = sequence(oid([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]))

/** A common name alone. */
function nameOf(text: string): Buffer {
  return sequence(tagged(0x31, sequence(oid([0x55, 0x04, 0x03]), tagged(0x0c, Buffer.from(text)))))
}

function serial(): Buffer {
  return integer(Buffer.concat([Buffer.of(0x01), randomBytes(15)]))
}

function utcTime(at: number): Buffer {
  const text = new Date(at).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')
  return tagged(0x17, Buffer.from(`${text}Z`))
}

// DER (X.690): tag, length, value.
function tagged(tag: number, value: Buffer): Buffer {
  const size = value.length
  if (size < 0x80) return Buffer.concat([Buffer.of(tag, size), value])
  const length = size < 0x100 ? Buffer.of(0x81, size) : Buffer.of(0x82, size >> 8, size & 0xff)
  return Buffer.concat([Buffer.of(tag), length, value])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes)
}

function bits(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]))
}

function oid(bytes: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from(bytes))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
