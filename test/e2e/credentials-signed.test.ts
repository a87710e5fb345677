/** A server that takes what is signed for AWS alone: each request of a running gateway is, with keys that nobody is told. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAwsVerifier } from '#test/support/aws-verifier.ts'
import { startGateway } from '#test/support/gateway-process.ts'
import { plant } from '#test/support/planted.ts'
import { askModern, LegacySession } from '#test/support/raw/client.ts'
import { rawUpstream, type RawUpstream } from '#test/support/raw-upstream.ts'
import { tokenFor } from '#test/support/tokens.ts'

const startMsMax = 60_000
const token = tokenFor('caller')
const callers = {
  tokens: [{ name: 'caller', secret: token, policies: ['all'] }],
  policies: { all: { default: 'execute' } },
}
const scope = { region: 'eu-central-1', service: 'bedrock-agentcore' }
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: plant('aws-secret'), sessionToken: plant('aws-session') }
const path = '/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-central-1%3A1%3Aruntime%2Fx/invocations?qualifier=DEFAULT'

/** Of each request, whether it was signed as it should be. */
const verdicts: boolean[] = []
let upstream: RawUpstream

beforeAll(async () => {
  const verify = createAwsVerifier(keys, scope)
  upstream = await rawUpstream({
    era: 'modern',
    guard: async (exchange) => {
      const seen = upstream.seen.at(-1)
      const isSigned = seen !== undefined && (await verify({ ...seen, method: seen.httpMethod }))
      verdicts.push(isSigned)
      if (!isSigned) exchange.json({ error: 'no' }, 403)
      return isSigned
    },
  })
})
beforeEach(() => void verdicts.splice(0))
afterAll(() => upstream?.[Symbol.asyncDispose]())

const credential = { kind: 'aws_sigv4', ...scope }
const start = (own: object, env: Record<string, string> = {}) => {
  const aws = { url: new URL(path, upstream.url).href, credential: { ...credential, ...own } }
  return startGateway({ servers: { aws }, ...callers }, { env })
}
const params = { name: 'echo', arguments: { text: 'grüße 🙂', nested: [{ '"': '\\' }] } }

describe('a request that is signed for AWS', { timeout: startMsMax }, () => {
  it.each([
    ['keys of the definition', keys, {}],
    [
      'keys of the environment',
      {},
      {
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        AWS_SESSION_TOKEN: keys.sessionToken,
      },
    ],
  ])('is taken with %s, from clients of both eras', async (_what, own, env: Record<string, string>) => {
    await using gateway = await start(own, env)
    const to = { url: `${gateway.url}/aws/mcp`, token }
    expect((await askModern(to, { method: 'tools/call', params })).result?.['content']).toBeDefined()
    await using session = await LegacySession.open(to)
    expect((await session.ask('tools/call', params)).result?.['content']).toBeDefined()
    expect(verdicts.length).toBeGreaterThan(2)
    expect(new Set(verdicts)).toEqual(new Set([true]))
  })

  it('is not taken with another secret, and that is told by name', async () => {
    await using gateway = await start({ ...keys, secretAccessKey: plant('another-aws-secret') })
    const to = { url: `${gateway.url}/aws/mcp`, token }
    const { error, result } = await askModern(to, { method: 'tools/call', params })
    expect([result, error?.data?.['code']]).toEqual([undefined, 'upstream_auth_failed'])
    expect(new Set(verdicts)).toEqual(new Set([false]))
  })

  it('is not sent where there are no keys', async () => {
    const none = {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nowhere',
      AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    }
    await using gateway = await start({}, none)
    const { error } = await askModern({ url: `${gateway.url}/aws/mcp`, token }, { method: 'tools/call', params })
    expect(error?.data).toMatchObject({ code: 'credential_unavailable', reason: 'no_aws_credentials' })
    expect(verdicts).toEqual([])
  })
})
