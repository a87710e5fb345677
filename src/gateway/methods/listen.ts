/** `subscriptions/listen` (2026-07-28): a long request whose stream carries what happens outside calls. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { declaresTasksExtension } from '#core/protocol/tasks.ts'
import { ListenStream, type ListenWish } from '#gateway/client/listen-hub.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import type { Answer, UpstreamFacts } from '#gateway/upstream/upstream-session.ts'
import type { OwnedTask } from '#gateway/tasks/task-owners.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { routeResource } from './route.ts'
import { isKnownEverywhere, lookUpTask, requireTasksExtension } from './tasks.ts'

const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources']
const resourcesMax = 1_000
const tasksMax = 1_000

type FactsByServer = ReadonlyMap<string, UpstreamFacts>

export async function listen(run: Run): Promise<Answer> {
  const { call, context } = run
  const asked = call.message.params?.['notifications']
  const filter = isJsonObject(asked) ? asked : {}
  const { user } = toViewCaller(call)
  const reachable = call.endpoint.upstreams.filter((upstream) => call.principal.access.mayReach(upstream.name))
  const opened = await Promise.all(
    reachable.map(async (upstream) => {
      const own = await openTwice(() => upstream.place(user)).catch(() => null)
      return own && { upstream, place: own.place, facts: own.session.facts }
    }),
  )
  const known = opened.flatMap((entry) => entry ?? [])
  const knownFacts = new Map(known.map(({ upstream, facts }) => [upstream.name, facts]))
  const wish = {
    ...(await honour(run, filter, knownFacts)),
    tasks: await honourTasks(run, filter['taskIds'], knownFacts),
  }
  const ended = Promise.withResolvers<void>()
  const { principal, address, endpoint, facts } = call
  const stream = new ListenStream({
    principal,
    address,
    endpoint,
    wish,
    taskOwners: context.tasks,
    id: call.message.id,
    capabilities: facts.capabilities,
    send: (note) => call.reply.notify(note),
    onEnd: ended.resolve,
  })
  stream.say('notifications/subscriptions/acknowledged', { notifications: toHonoured(wish) })
  for (const { place } of known) stream.join(place)
  const forget = context.hub.add(stream)
  call.cancellation.onCancel(() => stream.end())
  await ended.promise
  forget()
  return { result: { resultType: 'complete' } }
}

/** The subset that the servers behind this endpoint can honour. */
async function honour(run: Run, filter: JsonObject, facts: FactsByServer): Promise<Omit<ListenWish, 'tasks'>> {
  const isAggregate = run.call.endpoint.kind === 'aggregate'
  const wished = kinds.filter((kind) => filter[`${kind}ListChanged`] === true)
  const honoured = wished.filter(
    (kind) => isAggregate || [...facts.values()].some((fact) => declares(fact, kind, 'listChanged')),
  )
  const resources = new Map<string, Map<string, string>>()
  const uris = filter['resourceSubscriptions']
  for (const uri of Array.isArray(uris) ? uris.slice(0, resourcesMax) : []) {
    if (typeof uri !== 'string') continue
    const routed = await routeResource(run, uri).catch(() => null)
    const fact = routed && facts.get(routed.upstream.name)
    if (!routed || !fact || !declares(fact, 'resources', 'subscribe')) continue
    const own = resources.get(routed.upstream.name) ?? new Map<string, string>()
    resources.set(routed.upstream.name, own.set(routed.uri, uri))
  }
  return { kinds: new Set(honoured), resources }
}

/**
 * The caller's own tasks, at servers that can tell of them.
 * @throws GatewayError `missing_client_capability`
 */
async function honourTasks(run: Run, asked: unknown, facts: FactsByServer): Promise<ListenWish['tasks']> {
  const tasks = new Map<string, Map<string, string>>()
  if (!Array.isArray(asked) || asked.length === 0) return tasks
  requireTasksExtension(run.call)
  for (const id of asked.slice(0, tasksMax)) {
    const task = typeof id === 'string' ? await findFollowed(run, id, facts) : null
    if (!task) continue
    const { server, taskId } = task
    tasks.set(server, (tasks.get(server) ?? new Map<string, string>()).set(taskId, String(id)))
  }
  return tasks
}

/** Also one that another replica has made, where the server tells this one of it as well. */
async function findFollowed(run: Run, id: string, facts: FactsByServer): Promise<OwnedTask | null> {
  const found = await lookUpTask(run, id).catch(() => null)
  const fact = found && facts.get(found.upstream.name)
  if (!found || fact?.era !== 'modern' || !declaresTasksExtension(fact.capabilities)) return null
  if (!found.holder) return found.task
  if (!isKnownEverywhere(run.call, found.holder)) return null
  run.context.sharedTasks.adopt(found.holder)
  return found.task
}

function toHonoured(wish: ListenWish): JsonObject {
  const honoured: JsonObject = {}
  for (const kind of wish.kinds) honoured[`${kind}ListChanged`] = true
  const uris = [...wish.resources.values()].flatMap((own) => [...own.values()])
  if (uris.length > 0) honoured['resourceSubscriptions'] = uris
  const taskIds = [...wish.tasks.values()].flatMap((own) => [...own.values()])
  if (taskIds.length > 0) honoured['taskIds'] = taskIds
  return honoured
}

function declares({ capabilities }: UpstreamFacts, kind: ListKind, member: string): boolean {
  const declared = capabilities[kind]
  return isJsonObject(declared) && declared[member] === true
}
