/** Every server of every gateway that a test starts is given a secret to keep, whatever the test is about. */
import { plant } from '../planted.ts'

type Definition = Record<string, unknown>

/** A server's secret is the same wherever it is defined within one file: a gateway that reloads must see no change. */
const known = new Map<string, string>()

function plantFor(name: string, kind: 'header' | 'env'): string {
  const key = `${kind}-${name.replaceAll(/[^\w-]/g, '')}`
  const text = known.get(key) ?? plant(key, { childOf: kind === 'env' ? name : null })
  known.set(key, text)
  return text
}

/** As in the management API: with `name` and `transport`. */
export function withPlant(server: Definition): Definition {
  const { name, transport } = server
  if (typeof transport !== 'object' || transport === null) return server
  return { ...server, transport: planted(String(name), transport) }
}

/** As in the configuration: `servers` by name. */
export function withPlants(config: Definition): Definition {
  const { servers } = config
  if (typeof servers !== 'object' || servers === null || Array.isArray(servers)) return config
  const entries = Object.entries(servers).map(([name, entry]) => [name, isObject(entry) ? planted(name, entry) : entry])
  return { ...config, servers: Object.fromEntries(entries) as unknown }
}

function planted(name: string, transport: object): object {
  const { headers = {}, env = {} } = transport as { headers?: unknown; env?: unknown }
  if ('command' in transport && isObject(env)) return { ...transport, env: { ...env, PLANTED: plantFor(name, 'env') } }
  if ('url' in transport && isObject(headers))
    return { ...transport, headers: { ...headers, 'X-Planted': plantFor(name, 'header') } }
  return transport
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
