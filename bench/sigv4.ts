/**
 * What signing a request for AWS costs: by size of its body, beside what no signature can do without (two hashes and one HMAC), and beside the
 * SDK of AWS.
 *
 *   node bench/sigv4.ts [--quick]
 */
import { createHmac, createSecretKey, hash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SignatureV4 } from '@smithy/signature-v4'
import { createSigV4 } from '#adapters/aws/sigv4.ts'
import { NodeSha256 } from '#test/support/node-sha256.ts'
import { describeMachine } from './machine.ts'
import { median } from './statistics.ts'

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const rounds = flags.quick ? 5 : 25
const perRound = flags.quick ? 500 : 2_000

const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'x'.repeat(400),
  expiresAt: null,
}
const host = 'bedrock-agentcore.eu-central-1.amazonaws.com'
const path = '/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-central-1%3A1%3Aruntime%2Fx/invocations?qualifier=DEFAULT'
const [region, service] = ['eu-central-1', 'bedrock-agentcore']
const headers = [
  'accept',
  'application/json, text/event-stream',
  'content-type',
  'application/json',
  'mcp-session-id',
  's',
]

const sign = createSigV4({ host, path, region, service }, { now: () => Date.now(), after: () => () => undefined })

const { expiresAt: _none, ...sdkKeys } = keys
const sdk = new SignatureV4({ credentials: sdkKeys, region, service, sha256: NodeSha256, applyChecksum: false })
const query = { qualifier: 'DEFAULT' }
const sdkRequest = { method: 'POST', protocol: 'https:', hostname: host, path: path.split('?')[0] ?? '', query }
const signWithSdk = (body: string) =>
  sdk.sign({ ...sdkRequest, headers: { host, 'content-type': 'application/json' }, body })

const key = createSecretKey(Buffer.alloc(32, 1))

/** Hash of the body, hash of what is signed, and its signature: the least there is. */
function least(body: string): number {
  const canonical = hash('sha256', `POST\n${path}\n\n${hash('sha256', body, 'hex')}`, 'hex')
  return createHmac('sha256', key).update(canonical).digest('hex').length
}

/** Microseconds of CPU each, the median of the rounds: other programs of the machine take time, and no CPU of ours. */
async function measure(work: () => unknown): Promise<number> {
  const samples: number[] = []
  for (let round = -1; round < rounds; round++) {
    const start = process.cpuUsage()
    for (let index = 0; index < perRound; index++) await work()
    const { user, system } = process.cpuUsage(start)
    // The first round warms the code.
    if (round >= 0) samples.push((user + system) / perRound)
  }
  return median(samples)
}

const { cpu, node } = describeMachine()
console.log(`${cpu}, Node ${node}; µs of CPU a request, median of ${rounds} rounds of ${perRound}\n`)
console.log('| body | signed | of it hashes and HMAC | by the SDK |\n| --- | --- | --- | --- |')
for (const [name, size] of [
  ['200 B', 200],
  ['4 kB', 4_096],
  ['100 kB', 102_400],
] as const) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: 'x'.repeat(size) })
  const empty = await measure(() => undefined)
  const ours = await measure(() => sign({ method: 'POST', headers, body }, keys))
  const bare = await measure(() => least(body))
  const theirs = await measure(() => signWithSdk(body))
  console.log(`| ${name} | ${[ours, bare, theirs].map((value) => (value - empty).toFixed(1)).join(' | ')} |`)
}
