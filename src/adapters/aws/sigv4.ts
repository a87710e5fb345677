/**
 * AWS Signature Version 4 in headers (AWS: "Create a signed AWS API request"). Not for Amazon S3, which has other rules for paths.
 *
 * What is the same for all requests to a server is worked out once, the key once a day.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import type { Clock } from '#core/clock.ts'
import type { AwsCredentials } from '#core/credential/aws-credentials.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'
import { canonicalPath, canonicalQuery } from './canonical-url.ts'

export type SigV4Target = {
  /** As the `Host` header has it: with the port where that is not the scheme's own. */
  host: string
  /** Path and query, as they are sent. */
  path: string
  region: string
  service: string
}

/** @returns the headers to be sent beside those of the request, flat and in lower case */
export type SigV4Sign = (request: Pick<WireRequest, 'method' | 'headers' | 'body'>, keys: AwsCredentials) => string[]

export function createSigV4({ host, path, region, service }: SigV4Target, clock: Clock): SigV4Sign {
  const [bare, query] = splitOnce(path, '?')
  const resource = `${canonicalPath(bare)}\n${canonicalQuery(query)}\n`
  const timeOf = createTimeText(clock)
  const keyOf = createKeyCache(region, service)
  return (request, keys) => {
    const time = timeOf()
    const day = time.slice(0, 8)
    const scope = `${day}/${region}/${service}/aws4_request`
    const own = keys.sessionToken === null ? [] : ['x-amz-security-token', keys.sessionToken]
    const { names, lines } = canonicalHeaders(request.headers, ['host', host, 'x-amz-date', time, ...own])
    const canonical = `${request.method}\n${resource}${lines}\n${names}\n${hash('sha256', request.body ?? '', 'hex')}`
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical, 'hex')}`
    const signature = createHmac('sha256', keyOf(keys.secretAccessKey, day)).update(toSign).digest('hex')
    const credential = `Credential=${keys.accessKeyId}/${scope}`
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`
    return ['authorization', authorization, 'x-amz-date', time, ...own]
  }
}

/**
 * By name, each name once. Who is on the way may add headers and change those of one hop: signed is what must be, and what is AWS's.
 * @param own flat, as the request's
 */
function canonicalHeaders(sent: readonly string[], own: readonly string[]): { names: string; lines: string } {
  const values = new Map<string, string>()
  const add = (name: string, value: string): void => {
    const earlier = values.get(name)
    values.set(name, earlier === undefined ? oneSpaced(value) : `${earlier},${oneSpaced(value)}`)
  }
  for (let i = 0; i < own.length; i += 2) add(own[i] ?? '', own[i + 1] ?? '')
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i] ?? ''
    if (name === 'content-type' || name.startsWith('x-amz-')) add(name, sent[i + 1] ?? '')
  }
  const names = [...values.keys()].toSorted()
  return { names: names.join(';'), lines: names.map((name) => `${name}:${values.get(name)}\n`).join('') }
}

function oneSpaced(value: string): string {
  const trimmed = value.trim()
  return trimmed.includes('  ') ? trimmed.replaceAll(/ {2,}/g, ' ') : trimmed
}

/** `20150830T123600Z`. Made once for each second in which somebody asks. */
function createTimeText(clock: Clock): () => string {
  let second = Number.NaN
  let text = ''
  return () => {
    const now = Math.floor(clock.now() / 1_000)
    if (now !== second) {
      second = now
      text = `${new Date(now * 1_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
    }
    return text
  }
}

/**
 * One key holds for a day; another secret, or another day, takes its place. As a key object: bytes would be made into one for each signature, which
 * costs ten microseconds (Node 24).
 */
function createKeyCache(region: string, service: string): (secret: string, day: string) => KeyObject {
  let held: { secret: string; day: string; key: KeyObject } | null = null
  return (secret, day) => {
    if (held?.day !== day || held.secret !== secret) {
      const steps = [day, region, service, 'aws4_request']
      const key = createSecretKey(steps.reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`)))
      held = { secret, day, key }
    }
    return held.key
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
