/**
 * The client under test of the official auth scenarios: a person with an MCP client and a browser, at a gateway that has the suite's mock server
 * behind it. OAuth's client is the gateway.
 *
 *     conformance client --scenario NAME --command "node auth-driver.ts"
 *
 * The suite appends the mock server's URL and sets MCP_CONFORMANCE_SCENARIO, _PROTOCOL_VERSION and _CONTEXT; TOOLGATE_CONFORMANCE_SITE says where
 * the gateway is.
 */
import { isDeepStrictEqual } from 'node:util'
import { env } from 'node:process'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { connectAccount } from './auth-browser.ts'
import { useServer } from './auth-course.ts'
import { addPerson, addServer, Site, siteVariable, type Person } from './auth-person.ts'
import { authScenarios } from './auth-scenarios.ts'
import { endedAsExpected } from './conformance-run.ts'

try {
  await drive(process.argv.at(-1))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}

async function drive(mockUrl: string | undefined): Promise<void> {
  const scenarioName = env['MCP_CONFORMANCE_SCENARIO'] ?? ''
  const scenario = authScenarios[scenarioName]
  if (!mockUrl || !scenario) throw new Error('needs a URL and the name of a known scenario in MCP_CONFORMANCE_SCENARIO')
  await using resources = new AsyncDisposableStack()
  const site = Site.parse(JSON.parse(env[siteVariable] ?? 'null'))
  const context: unknown = JSON.parse(env['MCP_CONFORMANCE_CONTEXT'] ?? 'null')
  const credential = await scenario.credential(context, resources)
  const name = scenarioName.replace('auth/', '')
  const role = 'owner' in credential && credential.owner === 'gateway' ? 'admin' : 'member'
  const person = await addPerson(site, name, role)
  const endpoint = await addServer(site, name, { url: mockUrl, credential })
  const client = await openClient(endpoint, person)
  resources.defer(() => client.close())
  const ending = await useServer(client, (link) => connectAccount(site, person, link))
  if (!isDeepStrictEqual(ending, scenario.ending))
    throw new Error(`it ends with ${JSON.stringify(ending)}, and not with ${JSON.stringify(scenario.ending)}`)
  process.stdout.write(`${endedAsExpected}\n`)
}

async function openClient(endpoint: URL, { token }: Person): Promise<Client> {
  const revision = env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25'
  const client = new Client(
    { name: 'conformance-driver', version: '1.0.0' },
    { versionNegotiation: { mode: revision >= '2026-07-28' ? { pin: revision } : 'legacy' } },
  )
  await client.connect(
    new StreamableHTTPClientTransport(endpoint, { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
  )
  return client
}
