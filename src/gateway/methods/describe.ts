/** What an endpoint says of itself: the answer to `initialize` and to `server/discover`. */
import { toGatewayError } from '#contract/errors.ts'
import { joinServerCapabilities } from '#core/protocol/capabilities.ts'
import { serverInfoKey } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, modernRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import type { SessionUser, Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer, UpstreamFacts } from '#gateway/upstream/upstream-session.ts'
import { toViewCaller, type MethodContext, type Run } from './method-context.ts'

export type Description = { capabilities: JsonObject; serverInfo: JsonObject; instructions: string | undefined }

const instructionsCharsMax = 32_768

/** @throws GatewayError where a server stands alone and cannot be reached */
export async function describeEndpoint(
  endpoint: Endpoint,
  caller: { principal: Principal; user: SessionUser },
  context: MethodContext,
): Promise<Description> {
  if (endpoint.kind === 'single') {
    const [upstream] = endpoint.upstreams
    const session = await upstream?.place(caller.user).acquire()
    const { capabilities = {}, serverInfo = context.serverInfo, instructions } = session?.facts ?? {}
    return { capabilities, serverInfo, instructions }
  }
  const visible = endpoint.upstreams.filter((upstream) => caller.principal.access.mayReach(upstream.name))
  const all = await Promise.all(visible.map((upstream) => factsOf(upstream, caller.user, context)))
  const known = all.flatMap((entry) => entry ?? [])
  return {
    capabilities: aggregateCapabilities(known.map(({ facts }) => facts.capabilities)),
    serverInfo: context.serverInfo,
    instructions: joinInstructions(known),
  }
}

async function factsOf(
  upstream: Upstream,
  user: SessionUser,
  { clock, limits }: MethodContext,
): Promise<{ name: string; facts: UpstreamFacts } | null> {
  let cancelTimer = (): void => undefined
  const deadline = new Promise<null>((resolve) => {
    cancelTimer = clock.after(limits.listingTimeoutMs, () => resolve(null))
  })
  try {
    const session = await Promise.race([upstream.place(user).acquire(), deadline])
    return session && { name: upstream.name, facts: session.facts }
  } catch (error) {
    // A server that fails costs its own part; what is no such failure is ours.
    if (toGatewayError(error).code === 'internal') throw error
    return null
  } finally {
    cancelTimer()
  }
}

/** An aggregate always has tools, whose list can change: servers come and go. */
function aggregateCapabilities(all: readonly JsonObject[]): JsonObject {
  const {
    tools: _tools,
    tasks: _tasks,
    extensions: _extensions,
    experimental: _experimental,
    ...joined
  } = joinServerCapabilities(all)
  for (const kind of ['prompts', 'resources'] as const) {
    if (isJsonObject(joined[kind])) joined[kind] = { ...joined[kind], listChanged: true }
  }
  return { tools: { listChanged: true }, ...joined }
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
  const { tasks, extensions: _extensions, ...capabilities } = description.capabilities
  const shown =
    isJsonObject(tasks) && revision === newestLegacyRevision
      ? { ...capabilities, tasks: relayedTasks(tasks) }
      : capabilities
  const result: JsonObject = {
    protocolVersion: revision,
    capabilities: { ...shown, logging: {} },
    serverInfo: description.serverInfo,
  }
  if (description.instructions !== undefined) result['instructions'] = description.instructions
  return result
}

/** A server lists the tasks of all who share its session: `tasks/list` is not relayed, and so not promised. */
function relayedTasks({ list: _list, ...tasks }: JsonObject): JsonObject {
  return tasks
}

export async function discover(run: Run): Promise<Answer> {
  const { call, context } = run
  const caller = { principal: call.principal, user: toViewCaller(call).user }
  const { capabilities, serverInfo, instructions } = await describeEndpoint(call.endpoint, caller, context)
  const { tasks: _tasks, ...shown } = capabilities
  const result: JsonObject = {
    resultType: 'complete',
    supportedVersions: [modernRevision],
    capabilities: shown,
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [serverInfoKey]: serverInfo },
  }
  if (instructions !== undefined) result['instructions'] = instructions
  return { result }
}
