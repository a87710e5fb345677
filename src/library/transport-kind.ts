/** The kinds of transport, by whatever name a program calls them. */
import type { Transport } from '#contract/transport.ts'
import { ConfigurationError } from './errors.ts'

export type TransportKind = Transport['kind']

const synonyms: ReadonlyMap<string, TransportKind> = new Map([
  ['http', 'streamable_http'],
  ['streamablehttp', 'streamable_http'],
  ['sse', 'sse'],
  ['serversentevents', 'sse'],
  ['eventsource', 'sse'],
  ['stdio', 'stdio'],
  ['process', 'stdio'],
  ['subprocess', 'stdio'],
  ['ws', 'websocket'],
  ['websocket', 'websocket'],
  ['websockets', 'websocket'],
])

/**
 * Reads `http`, `sse`, `stdio`, `websocket` and their synonyms, whatever their case and however their words are joined.
 * @throws ConfigurationError for anything else
 */
export function parseTransport(text: string): TransportKind {
  const kind = findTransport(text)
  if (kind === undefined) throw new ConfigurationError({ errors: ['transport: is not known'] })
  return kind
}

/** The same for unknown input, or undefined. */
export function findTransport(text: unknown): TransportKind | undefined {
  return typeof text === 'string'
    ? synonyms.get(
        text
          .trim()
          .toLowerCase()
          .replaceAll(/[\s_-]/g, ''),
      )
    : undefined
}
