import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from '#test/support/failure.ts'
import { createAwsCredentialSource } from './credential-source.ts'

type Asked = { method: string; url: string; headers: IncomingMessage['headers']; form: URLSearchParams }
type Reply = { status?: number; type?: string; body: string }

const region = 'eu-central-1'
const expiresAt = Date.UTC(2099, 0, 1)
const expiration = new Date(expiresAt).toISOString()
const explicit = { region, accessKeyId: 'AKIDGIVEN', secretAccessKey: 'given-secret' }

const source = createAwsCredentialSource({ timeoutMs: 20_000 })
let folder: string
let server: Server
let address: string
let asked: Asked[]
let reply: (request: Asked) => Reply

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-aws-'))
  asked = []
  reply = () => ({ status: 404, body: '' })
  server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString())
      const request = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, form }
      asked.push(request)
      const { status = 200, type = 'application/json', body } = reply(request)
      res.writeHead(status, { 'content-type': type }).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  emptyEnvironment()
})

afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  rmSync(folder, { recursive: true })
})

/** Nothing of the machine's own, and nothing that is outside of it. */
function emptyEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_ENDPOINT_URL_STS', address)
}

function sts(action: string, keys: Record<string, string>): Reply {
  const members = Object.entries({ ...keys, Expiration: expiration })
  const inner = members.map(([name, value]) => `<${name}>${value}</${name}>`).join('')
  const result = `<${action}Result><Credentials>${inner}</Credentials></${action}Result>`
  const space = 'https://sts.amazonaws.com/doc/2011-06-15/'
  return { type: 'text/xml', body: `<${action}Response xmlns="${space}">${result}</${action}Response>` }
}

const temporary = { AccessKeyId: 'ASIAROLE', SecretAccessKey: 'role-secret', SessionToken: 'role-token' }
const asRole = { accessKeyId: 'ASIAROLE', secretAccessKey: 'role-secret', sessionToken: 'role-token', expiresAt }

describe('createAwsCredentialSource', { timeout: 60_000 }, () => {
  it('takes keys that are given, and asks nobody', async () => {
    const keys = { accessKeyId: 'AKIDGIVEN', secretAccessKey: 'given-secret' }
    expect(await source.get(explicit)).toEqual({ ...keys, sessionToken: null, expiresAt: null })
    expect(await source.get({ ...explicit, sessionToken: 't' })).toEqual({
      ...keys,
      sessionToken: 't',
      expiresAt: null,
    })
    expect(asked).toEqual([])
  })

  it.each([{ accessKeyId: 'AKIDGIVEN' }, { secretAccessKey: 'given-secret' }, { sessionToken: 't' }])(
    'refuses half of the keys, and looks for no others: %j',
    async (half) => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
      expect(await failureOf(source.get({ region, ...half }))).toMatchObject({ code: 'config_invalid' })
    },
  )

  it('takes keys of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'env-token')
    expect(await source.get({ region })).toEqual({
      accessKeyId: 'AKIDENV',
      secretAccessKey: 'env-secret',
      sessionToken: 'env-token',
      expiresAt: null,
    })
  })

  it('takes keys of a profile in the shared file, and sees when they change', async () => {
    vi.stubEnv('AWS_PROFILE', 'work')
    for (const secret of ['first', 'second']) {
      writeFileSync(
        join(folder, 'credentials'),
        `[work]\naws_access_key_id=AKIDFILE\naws_secret_access_key=${secret}\n`,
      )
      expect(await source.get({ region })).toMatchObject({ accessKeyId: 'AKIDFILE', secretAccessKey: secret })
    }
  })

  it('assumes the role of a profile', async () => {
    vi.stubEnv('AWS_PROFILE', 'ops')
    writeFileSync(join(folder, 'credentials'), `[base]\naws_access_key_id=AKIDFILE\naws_secret_access_key=s\n`)
    writeFileSync(join(folder, 'config'), `[profile ops]\nrole_arn=arn:aws:iam::1:role/ops\nsource_profile=base\n`)
    reply = () => sts('AssumeRole', temporary)
    expect(await source.get({ region })).toEqual(asRole)
    expect(asked.map(({ form }) => form.get('RoleArn'))).toEqual(['arn:aws:iam::1:role/ops'])
  })

  it('exchanges a web identity', async () => {
    writeFileSync(join(folder, 'token'), 'web-identity-token')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/pod')
    reply = () => sts('AssumeRoleWithWebIdentity', temporary)
    expect(await source.get({ region })).toEqual(asRole)
    expect(asked[0]?.form.get('WebIdentityToken')).toBe('web-identity-token')
    expect(asked[0]?.form.get('RoleArn')).toBe('arn:aws:iam::1:role/pod')
  })

  it('asks the container it runs in', async () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${address}/container`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'container-auth')
    const { SessionToken: Token, ...keys } = temporary
    reply = () => ({ body: JSON.stringify({ ...keys, Token, Expiration: expiration }) })
    expect(await source.get({ region })).toEqual(asRole)
    expect(asked).toMatchObject([{ url: '/container', headers: { authorization: 'container-auth' } }])
  })

  it('asks the instance, with a token alone', async () => {
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'false')
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', address)
    const { SessionToken: Token, ...keys } = temporary
    reply = ({ url }) => {
      if (url === '/latest/api/token') return { body: 'imds-token' }
      if (url.endsWith('/security-credentials/')) return { body: 'the-role' }
      return { body: JSON.stringify({ Code: 'Success', ...keys, Token, Expiration: expiration }) }
    }
    expect(await source.get({ region })).toEqual(asRole)
    expect(asked[0]).toMatchObject({ method: 'PUT', url: '/latest/api/token' })
    expect(asked.slice(1).map(({ headers }) => headers['x-aws-ec2-metadata-token'])).toEqual([
      'imds-token',
      'imds-token',
    ])
  })

  it('asks no instance that knows version 1 only', async () => {
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'false')
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', address)
    reply = ({ method }) => (method === 'PUT' ? { status: 404, body: '' } : { body: 'the-role' })
    const error = await failureOf(source.get({ region }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'no_aws_credentials' } })
    expect(asked.every(({ method }) => method === 'PUT')).toBe(true)
  })

  it('assumes a role with the keys that are given, in the region of the definition', async () => {
    reply = () => sts('AssumeRole', temporary)
    const role = { roleArn: 'arn:aws:iam::2:role/mcp', roleSessionName: 'gateway', externalId: 'outside' }
    expect(await source.get({ ...explicit, ...role })).toEqual(asRole)
    expect(Object.fromEntries(asked[0]?.form ?? [])).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: role.roleArn,
      RoleSessionName: 'gateway',
      ExternalId: 'outside',
    })
    expect(asked[0]?.headers.authorization).toContain('Credential=AKIDGIVEN/')
    expect(asked[0]?.headers.authorization).toContain(`/${region}/sts/aws4_request`)
  })

  it('assumes a role with the keys of the chain, and says who asks', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
    reply = () => sts('AssumeRole', temporary)
    expect(await source.get({ region, roleArn: 'arn:aws:iam::2:role/mcp' })).toEqual(asRole)
    expect(asked[0]?.headers.authorization).toContain('Credential=AKIDENV/')
    expect(asked[0]?.form.get('RoleSessionName')).toBe('toolgate')
    expect(asked[0]?.form.has('ExternalId')).toBe(false)
  })

  it('says in words of its own that nothing was found, and prints nothing', async () => {
    const printed = vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.stubEnv('AWS_PROFILE', 'planted-profile')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
    const error = await failureOf(source.get({ region }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'no_aws_credentials' } })
    expect(error.cause).toBeUndefined()
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('planted')
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })

  it('says that a role was refused, without what AWS says of it', async () => {
    const words = 'planted words about arn:aws:sts::123456789012:assumed-role'
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${words}</Message></Error></ErrorResponse>`
    reply = () => ({ status: 403, type: 'text/xml', body })
    const error = await failureOf(source.get({ ...explicit, roleArn: 'arn:aws:iam::2:role/mcp' }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'aws_role_refused' } })
    expect(error.cause).toBeUndefined()
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toMatch(/planted|123456789012|AccessDenied/)
  })

  it('says that AWS cannot be reached', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9')
    const error = await failureOf(source.get({ ...explicit, roleArn: 'arn:aws:iam::2:role/mcp' }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'aws_unreachable' } })
  })

  it('does not wait for ever', async () => {
    server.removeAllListeners('request')
    const hasty = createAwsCredentialSource({ timeoutMs: 300 })
    const error = await failureOf(hasty.get({ ...explicit, roleArn: 'arn:aws:iam::2:role/mcp' }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'aws_unreachable' } })
  })
})
