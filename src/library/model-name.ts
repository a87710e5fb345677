/** Tool names as model APIs take them, and the way back. */
import { GatewayError } from '#contract/errors.ts'
import { fitName } from '#core/naming/fit-name.ts'
import { buildNameMap, type NamedEntry } from '#core/naming/tool-name.ts'
import { ConfigurationError } from './errors.ts'
import { textHash } from './text-hash.ts'

/** OpenAI and Anthropic allow less than MCP: no dot. */
const outsideModelName = /[^A-Za-z0-9_-]/g

/** The name itself where a model API takes it, else its deterministic short form: `[A-Za-z0-9_-]{1,64}`. */
export function toModelName(name: string): string {
  return fitName(name, { outside: outsideModelName, original: JSON.stringify([name]) }, textHash)
}

export type ToolPair = { server: string; tool: string }

/** `mcp_{server}__{tool}`, or its deterministic short form. */
export function toPrefixedName({ server, tool }: ToolPair): string {
  const rule = { outside: outsideModelName, original: JSON.stringify([server, tool]) }
  return fitName(`mcp_${server}__${tool}`, rule, textHash)
}

/** Prefixed names of a set of tools, reversed by lookup: tool names may hold `__`, and short forms hold too little. */
export class ToolNames {
  readonly #byName: ReadonlyMap<string, NamedEntry>

  /** @throws ConfigurationError where two different tools would share a name, and names both */
  constructor(pairs: Iterable<ToolPair>) {
    const unique = new Map<string, NamedEntry>()
    for (const { server, tool } of pairs) {
      unique.set(JSON.stringify([server, tool]), { exposed: toPrefixedName({ server, tool }), server, name: tool })
    }
    this.#byName = buildMap(unique.values())
  }

  /** The pair behind a prefixed name, or null: a name that was never given out means nothing. */
  find(name: string): ToolPair | null {
    const entry = this.#byName.get(name)
    return entry ? { server: entry.server, tool: entry.name } : null
  }
}

function buildMap(entries: Iterable<NamedEntry>): ReadonlyMap<string, NamedEntry> {
  try {
    return buildNameMap(entries)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const { exposed, first, second } = error.details
    const fault = `${String(exposed)} would name both ${JSON.stringify(first)} and ${JSON.stringify(second)}`
    throw new ConfigurationError({ errors: [fault], cause: error })
  }
}
