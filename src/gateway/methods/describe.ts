/** What an endpoint says of itself: the answer to `initialize` and to `server/discover`. */
import { toGatewayError } from '#contract/errors.ts'
import { joinServerCapabilities } from '#core/protocol/capabilities.ts'
import { serverInfoKey } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, modernRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import {
  declaresTasksExtension,
  joinTaskCapabilities,
  knowsTasks,
  tasksExtensionKey,
  withoutTasksExtension,
} from '#core/protocol/tasks.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer, UpstreamFacts, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { isConnectable } from './ask-to-connect.ts'
import { toViewCaller, type MethodContext, type Run } from './method-context.ts'

export type Description = {
  /** Without core tasks. The tasks extension is there only where a modern server knows it. */
  capabilities: JsonObject
  /** What the legacy servers do with core tasks (2025-11-25). */
  tasks: JsonObject | undefined
  serverInfo: JsonObject
  instructions: string | undefined
}

type DescribeDeps = Pick<MethodContext, 'clock' | 'limits' | 'serverInfo'>

const instructionsCharsMax = 32_768

/** @throws GatewayError where a server stands alone and cannot be reached */
export async function describeEndpoint(
  endpoint: Endpoint,
  caller: { principal: Principal; user: SessionUser },
  context: DescribeDeps,
): Promise<Description> {
  if (endpoint.kind === 'single') {
    const [upstream] = endpoint.upstreams
    const session = upstream && (await acquireOrAsk(upstream, caller.user))
    return session ? describeSingle(session.facts) : { ...nothing, serverInfo: context.serverInfo }
  }
  const visible = endpoint.upstreams.filter((upstream) => caller.principal.access.mayReach(upstream.name))
  const all = await Promise.all(visible.map((upstream) => factsOf(upstream, caller.user, context)))
  const known = all.flatMap((entry) => entry ?? [])
  return {
    ...joinCapabilities(known.map(({ facts }) => facts)),
    serverInfo: context.serverInfo,
    instructions: joinInstructions(known),
  }
}

/**
 * @returns null where the caller has yet to give a credential: its client comes in all the same, or nobody could ask it to
 * @throws GatewayError where the server cannot be reached
 */
async function acquireOrAsk(upstream: Upstream, user: SessionUser): Promise<UpstreamSession | null> {
  try {
    return (await openTwice(() => upstream.place(user))).session
  } catch (error) {
    if (isConnectable(error)) return null
    throw error
  }
}

const nothing = { capabilities: { tools: { listChanged: true } }, tasks: undefined, instructions: undefined }

/** Tasks of one form mean nothing to a client of the other: a server that declares both is heard in the one it is spoken to in. */
function describeSingle({ era, capabilities, serverInfo, instructions }: UpstreamFacts): Description {
  const { tasks, ...rest } = capabilities
  return era === 'modern'
    ? { capabilities: rest, tasks: undefined, serverInfo, instructions }
    : {
        capabilities: withoutTasksExtension(rest),
        tasks: isJsonObject(tasks) ? tasks : undefined,
        serverInfo,
        instructions,
      }
}

async function factsOf(
  upstream: Upstream,
  user: SessionUser,
  { clock, limits }: DescribeDeps,
): Promise<{ name: string; facts: UpstreamFacts } | null> {
  let cancelTimer = (): void => undefined
  const deadline = new Promise<null>((resolve) => {
    cancelTimer = clock.after(limits.listingTimeoutMs, () => resolve(null))
  })
  try {
    const own = await Promise.race([openTwice(() => upstream.place(user)), deadline])
    return own && { name: upstream.name, facts: own.session.facts }
  } catch (error) {
    // A server that fails costs its own part; what is no such failure is ours.
    if (toGatewayError(error).code === 'internal') throw error
    return null
  } finally {
    cancelTimer()
  }
}

/** An aggregate always has tools, whose list can change: servers come and go. Of extensions it knows tasks. */
function joinCapabilities(all: readonly UpstreamFacts[]): Pick<Description, 'capabilities' | 'tasks'> {
  const legacy = all.filter(({ era }) => era === 'legacy').map(({ capabilities }) => capabilities)
  const isExtended = all.some(({ era, capabilities }) => era === 'modern' && declaresTasksExtension(capabilities))
  const {
    tools: _tools,
    tasks: _tasks,
    extensions: _extensions,
    experimental: _experimental,
    ...joined
  } = joinServerCapabilities(all.map(({ capabilities }) => capabilities))
  for (const kind of ['prompts', 'resources'] as const) {
    if (isJsonObject(joined[kind])) joined[kind] = { ...joined[kind], listChanged: true }
  }
  const extensions = isExtended ? { extensions: { [tasksExtensionKey]: {} } } : {}
  return {
    capabilities: { tools: { listChanged: true }, ...joined, ...extensions },
    tasks: joinTaskCapabilities(legacy),
  }
}

function joinInstructions(all: readonly { name: string; facts: UpstreamFacts }[]): string | undefined {
  const parts = all.flatMap(({ name, facts }) => (facts.instructions ? [`## ${name}\n${facts.instructions}`] : []))
  return parts.length === 0 ? undefined : parts.join('\n\n').slice(0, instructionsCharsMax)
}

/** Echoes the client's revision where it is one of ours, else offers the newest legacy one (2025-11-25, lifecycle). */
export function negotiateRevision(requested: unknown): string {
  return isLegacyRevision(requested) ? requested : newestLegacyRevision
}

export function toInitializeResult(description: Description, revision: string): JsonObject {
  const { extensions: _extensions, ...capabilities } = description.capabilities
  const { tasks } = description
  const shown = tasks && knowsTasks(revision) ? { ...capabilities, tasks } : capabilities
  const result: JsonObject = {
    protocolVersion: revision,
    capabilities: { ...shown, logging: {} },
    serverInfo: description.serverInfo,
  }
  if (description.instructions !== undefined) result['instructions'] = description.instructions
  return result
}

export async function discover(run: Run): Promise<Answer> {
  const { call, context } = run
  const caller = { principal: call.principal, user: toViewCaller(call).user }
  const { capabilities, serverInfo, instructions } = await describeEndpoint(call.endpoint, caller, context)
  const result: JsonObject = {
    resultType: 'complete',
    supportedVersions: [modernRevision],
    capabilities,
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [serverInfoKey]: serverInfo },
  }
  if (instructions !== undefined) result['instructions'] = instructions
  return { result }
}
