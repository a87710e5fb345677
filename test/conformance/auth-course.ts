/** What a person with an MCP client does with a server that wants an account. The client knows nothing of elicitation: it is shown links. */
import { isDeepStrictEqual } from 'node:util'
import { ProtocolError, type Client } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Ending } from './auth-scenarios.ts'

/** Of the suite's servers; it answers with the text `test`. */
const toolName = 'test-tool'
const toolContent = [{ type: 'text', text: 'test' }]
const connectKey = 'toolgate/connect'
/** More than any scenario takes. */
const connectsMax = 4

/** A link to connect with, or the end: the code of a failure, or null where the tool has answered. */
type Step = { link: string } | { refusal: string | null }

/**
 * Calls the tool, connects where that is asked for, looks at the list and calls again.
 *
 * @param connect resolves with null, or with why it was refused
 */
export async function useServer(client: Client, connect: (link: string) => Promise<string | null>): Promise<Ending> {
  let step = await take(() => call(client))
  for (let connects = 0; connects <= connectsMax; connects++) {
    if (!('link' in step)) return { connects, refusal: step.refusal }
    const refusal = await connect(step.link)
    if (refusal !== null) return { connects: connects + 1, refusal: await confirm(client, refusal) }
    step = await take(() => listAndCall(client))
  }
  throw new Error('the person is asked to connect again and again')
}

/** Where connecting was refused nothing can be called, and its person is asked for the same again. */
async function confirm(client: Client, refusal: string): Promise<string> {
  const again = await take(() => call(client))
  if (!('link' in again)) throw new Error(`connecting was refused (${refusal}), and then ${JSON.stringify(again)}`)
  return refusal
}

async function take(use: () => Promise<Step>): Promise<Step> {
  try {
    return await use()
  } catch (error) {
    if (error instanceof ProtocolError) return toStep(error.data)
    throw error
  }
}

async function listAndCall(client: Client): Promise<Step> {
  const { tools } = await client.listTools()
  if (!tools.some(({ name }) => name === toolName)) throw new Error(`tools listed: ${JSON.stringify(tools)}`)
  return call(client)
}

async function call(client: Client): Promise<Step> {
  const { content, _meta } = await client.callTool({ name: toolName, arguments: {} })
  return isDeepStrictEqual(content, toolContent) ? { refusal: null } : toStep(_meta?.[connectKey])
}

const Failure = z.object({ connectUrl: z.string() }).or(z.object({ code: z.string() }))

/** @param told what goes with a failure */
function toStep(told: unknown): Step {
  const failure = Failure.parse(told)
  return 'connectUrl' in failure ? { link: failure.connectUrl } : { refusal: failure.code }
}
