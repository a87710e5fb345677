/** The names under which an aggregate offers tools and prompts. They are reversed through a map, never by splitting. */
import { GatewayError } from '#contract/errors.ts'
import { fitName } from './fit-name.ts'

const outsideToolName = /[^A-Za-z0-9_.-]/g

/**
 * `{prefix}{separator}{name}`, always of `[A-Za-z0-9_.-]{1,64}` (MCP 2025-11-25, server/tools, tool names; 64 is the
 * limit of the models). What does not fit ends with a hash of prefix and name.
 * @param hash text → at least ten characters of hex or base64url, equal for equal text
 */
export function exposeName(
  parts: { prefix: string; separator: string; name: string },
  hash: (text: string) => string,
): string {
  // As JSON, because no joining character is one that a name cannot hold.
  const original = JSON.stringify([parts.prefix, parts.name])
  return fitName(parts.prefix + parts.separator + parts.name, { outside: outsideToolName, original }, hash)
}

export type NamedEntry = { exposed: string; server: string; name: string }

/**
 * Exposed name → entry.
 * @throws GatewayError `config_invalid`, with both entries in its details, where two would share a name: whichever won, a
 * caller could reach a tool that it did not mean
 */
export function buildNameMap<Entry extends NamedEntry>(entries: Iterable<Entry>): ReadonlyMap<string, Entry> {
  const map = new Map<string, Entry>()
  for (const entry of entries) {
    const first = map.get(entry.exposed)
    if (first) throw collision(first, entry)
    map.set(entry.exposed, entry)
  }
  return map
}

function collision(first: NamedEntry, second: NamedEntry): GatewayError {
  const toDetail = ({ server, name }: NamedEntry) => ({ server, name })
  const reason = 'two tools would be offered under one name'
  const details = { reason, exposed: first.exposed, first: toDetail(first), second: toDetail(second) }
  return new GatewayError('config_invalid', { details })
}
