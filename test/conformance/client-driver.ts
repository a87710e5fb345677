/**
 * The client under test of the official client suite: an SDK client that reaches the suite’s mock server through a
 * gateway of its own.
 *
 *     conformance client --scenario NAME --command "node client-driver.ts [--direct]"
 *
 * The suite appends the mock server’s URL and sets MCP_CONFORMANCE_SCENARIO, _PROTOCOL_VERSION and _CONTEXT.
 * `--direct` leaves the gateway out, which tells a failure of the driver from a failure of the gateway.
 */
import { env } from 'node:process'
import { parseArgs } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { clientScenarios } from './client-scenarios.ts'
import { startGateway } from './gateway.ts'

/** With the start of the gateway shorter than the suite’s own limit, so that this process ends its gateway itself. */
const callsMsMax = 20_000

const { values, positionals } = parseArgs({ options: { direct: { type: 'boolean' } }, allowPositionals: true })

try {
  await drive(positionals.at(-1), values.direct === true)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}

async function drive(mockUrl: string | undefined, isDirect: boolean): Promise<void> {
  const scenario = clientScenarios[env['MCP_CONFORMANCE_SCENARIO'] ?? '']
  if (!mockUrl || !scenario) throw new Error('needs a URL and the name of a known scenario in MCP_CONFORMANCE_SCENARIO')
  await using resources = new AsyncDisposableStack()
  const gateway = isDirect ? null : resources.use(await startGateway({ upstreamUrl: mockUrl, isGroupLeader: false }))
  const revision = env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25'

  const client = new Client(
    { name: 'conformance-driver', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      versionNegotiation: { mode: revision >= '2026-07-28' ? { pin: revision } : 'legacy' },
    },
  )
  resources.defer(() => client.close())
  // Closing makes every open call fail.
  const deadline = setTimeout(() => void client.close().catch(() => undefined), callsMsMax)
  resources.defer(() => clearTimeout(deadline))
  await client.connect(
    new StreamableHTTPClientTransport(new URL(gateway?.url ?? mockUrl), {
      ...(gateway && { requestInit: { headers: { authorization: `Bearer ${gateway.token}` } } }),
    }),
  )
  const context: unknown = JSON.parse(env['MCP_CONFORMANCE_CONTEXT'] ?? 'null')
  await scenario({ client, context, isThroughGateway: gateway !== null })
}
