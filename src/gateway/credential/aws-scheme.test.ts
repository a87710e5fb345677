import { beforeEach, describe, expect, it } from 'vitest'
import { CredentialLab, nobody, refusal, unreachable } from '#test/support/credential-lab.ts'
import { failureOf } from '#test/support/failure.ts'

let lab: CredentialLab

const credential = { kind: 'aws_sigv4' as const, region: 'eu-central-1' }
const role = { ...credential, roleArn: 'arn:aws:iam::1:role/x' }
const request = { method: 'POST' as const, headers: [], silenceMsMax: 0 }

beforeEach(() => {
  lab = new CredentialLab()
})

describe('a signature', () => {
  it('is made for each request, with keys that are got once for all servers that say the same', async () => {
    const lease = await lab
      .serve({ url: 'https://aws.example:8443/mcp?x=1', credential, headers: { 'x-a': 'b' } })
      .lease(nobody)
    expect(lease.headers).toEqual(['x-a', 'b'])
    expect(lease.sign?.(request)).toEqual([
      'authorization',
      'AKIA1 POST aws.example:8443 /mcp?x=1 eu-central-1 bedrock-agentcore',
    ])
    await lab.serve({ credential: { ...credential, service: 'other' } }, 'two').lease(nobody)
    await lab.serve({ credential: role }, 'three').lease(nobody)
    expect(lab.aws.asked).toHaveLength(2)
  })

  it('is made for the path that holds its user’s values', async () => {
    const variables = [{ name: 'ID' }]
    lab.give({ variables: { ID: 'a b' } })
    const served = lab.serve({ url: 'https://aws.example/${ID}/mcp', credential, variables })
    const lease = await served.lease({ userId: 'usr_ann', teamId: null })
    expect(lease.path).toBe('/a%20b/mcp')
    expect(lease.sign?.(request)[1]).toContain(' /a%20b/mcp ')
  })

  it('is made with new keys before the old ones end, and the headers say that they are others', async () => {
    lab.aws.lifeMs = 3_600_000
    const served = lab.serve({ credential: role })
    const lease = await served.lease(nobody)
    const { headers } = lease
    await lab.clock.advance(3_540_000)
    expect(await served.lease(nobody)).toBe(lease)
    expect(lease.sign?.(request)[1]).toContain('AKIA2 ')
    expect(lease.headers).not.toBe(headers)
  })

  it('cannot be made without keys', async () => {
    lab.aws.failure = unreachable()
    expect(await failureOf((async () => lab.serve({ credential }).lease(nobody))())).toMatchObject({
      code: 'credential_unavailable',
      details: { server: 'files' },
    })
  })

  it('that is refused is made once more with new keys, where those are got', async () => {
    const served = lab.serve({ credential: role })
    const lease = await served.lease(nobody)
    const before = refusal(lease, { status: 403 })
    await Promise.all([served.rejected(lease, before), served.rejected(lease, before)])
    expect(lease.sign?.(request)[1]).toContain('AKIA2 ')
    expect(lab.aws.asked).toHaveLength(2)
    expect(await failureOf(served.rejected(lease, refusal(lease, { isLast: true })))).toMatchObject({
      code: 'upstream_auth_failed',
    })
  })

  it('that is refused with keys of the definition stays refused', async () => {
    const served = lab.serve({ credential: { ...credential, accessKeyId: 'AKIA', secretAccessKey: 's3cret' } })
    const lease = await served.lease(nobody)
    expect(await failureOf(served.rejected(lease, refusal(lease)))).toMatchObject({ code: 'upstream_auth_failed' })
    expect(lab.aws.asked).toHaveLength(1)
  })
})
