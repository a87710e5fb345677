/** Log levels of MCP (RFC 5424 severities), and who hears which message. */
import { isJsonObject, type JsonObject, type RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { UpstreamSession } from '#gateway/upstream/upstream-session.ts'

const severities = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

export function isLogLevel(level: unknown): level is string {
  return typeof level === 'string' && severities.includes(level)
}

/** Without a level set, a legacy client hears whatever its server decides to send. */
export function isLoudEnough(note: RpcNotification, level: string | undefined): boolean {
  const own = note.params?.['level']
  if (level === undefined || typeof own !== 'string') return true
  return severities.indexOf(own) >= severities.indexOf(level)
}

/** The level each legacy upstream session was last asked for. */
const asked = new WeakMap<UpstreamSession, string>()

/** Asks a legacy upstream for at least this much; a session that many share is never made quieter. */
export async function ensureLogLevel(session: UpstreamSession, level: string | undefined): Promise<void> {
  if (level === undefined || session.facts.era !== 'legacy' || !isJsonObject(session.facts.capabilities['logging']))
    return
  const before = asked.get(session)
  if (before !== undefined && severities.indexOf(before) <= severities.indexOf(level)) return
  asked.set(session, level)
  const params: JsonObject = { level }
  const call = { method: 'logging/setLevel', params, headers: [], raw: null }
  const hooks = { notify: () => undefined, ask: () => Promise.resolve(noAnswer), cancellation: new Cancellation() }
  await session.call(call, hooks).catch(() => asked.delete(session))
}

const noAnswer = { error: { code: -32601, message: 'Method not found' } }
