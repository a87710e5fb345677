/** Checks requests as AWS does: with its SDK, from the request alone and the headers that it says are signed. */
import type { IncomingHttpHeaders } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { NodeSha256 } from './node-sha256.ts'

export type SignedRequest = { method: string; path: string; headers: IncomingHttpHeaders; text: string }
type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
export type AwsScope = { region: string; service: string }

/** @returns whether these keys have signed this request for this scope */
export function createAwsVerifier(keys: Keys, scope: AwsScope): (request: SignedRequest) => Promise<boolean> {
  const sdk = new SignatureV4({ credentials: keys, ...scope, sha256: NodeSha256, applyChecksum: false })
  const own = new Set(['x-amz-date', 'x-amz-security-token'])
  return async ({ method, path, headers, text }) => {
    const { authorization = '', host = '' } = headers
    const names = /SignedHeaders=(?<names>[^,]+)/.exec(authorization)?.groups?.['names']?.split(';') ?? []
    const signedHeaders = names.filter((name) => !own.has(name)).map((name) => [name, String(headers[name])])
    const { hostname, pathname, searchParams } = new URL(path, `http://${host}`)
    const signed = await sdk.sign(
      {
        method,
        protocol: 'http:',
        hostname,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: Object.fromEntries(signedHeaders),
        body: text,
      },
      { signingDate: new Date(String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')) },
    )
    return authorization !== '' && signed.headers['authorization'] === authorization
  }
}
