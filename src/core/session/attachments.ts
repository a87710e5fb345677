/** What an agent's sessions may reach, as its resource says it: for those who start a session, and for those who decide its calls. */
import type { SessionWarning } from '#contract/session.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import { enabledServersCalled } from '#core/resources/server-names.ts'
import type { AttachedServer } from './broker-checks.ts'

type Index = Pick<ResourceIndex, 'get' | 'serversCalled'>

export type AttachmentWarning = { warning: SessionWarning; /** The id that the agent names. */ subject: string }

/** What of it there is to be had at this moment, and what is missing, and why. */
export type Attachments = { servers: readonly AttachedServer[]; warnings: readonly AttachmentWarning[] }

export function resolveAttachments(index: Index, agent: Resource<'agent'>): Attachments {
  const { servers, toolset } = agent.spec
  if (servers.length === 0) return { servers: [], warnings: [] }
  if (toolset !== undefined && !index.get('toolset', toolset))
    return { servers: [], warnings: [{ warning: 'unknown_toolset', subject: toolset }] }
  const found = servers.map(({ server: id }) => resolveOne(index, agent, id))
  return {
    servers: found.flatMap((one) => ('warning' in one ? [] : [one])),
    warnings: found.flatMap((one) => ('warning' in one ? [one] : [])),
  }
}

function resolveOne(index: Index, agent: Resource<'agent'>, id: string): AttachedServer | AttachmentWarning {
  const server = index.get('server', id)
  if (!server) return { warning: 'unknown_server', subject: id }
  if (!server.spec.isEnabled) return { warning: 'server_not_enabled', subject: id }
  const [only, ...others] = enabledServersCalled(index, server.name)
  if (only?.id !== id || others.length > 0) return { warning: 'server_ambiguous', subject: id }
  if (!hasTools(index, agent, id)) return { warning: 'server_without_tools', subject: id }
  return { id, name: server.name }
}

/** Whether its lists leave any tool of this server. */
function hasTools(index: Pick<ResourceIndex, 'get'>, { spec }: Resource<'agent'>, id: string): boolean {
  const listed = spec.servers.find(({ server }) => server === id)?.tools
  const toolset = spec.toolset === undefined ? undefined : index.get('toolset', spec.toolset)
  if (!toolset) return listed?.length !== 0
  const offered = toolset.spec.tools.filter(({ server }) => server === id)
  return offered.some(({ tool }) => !listed || listed.includes(tool))
}
