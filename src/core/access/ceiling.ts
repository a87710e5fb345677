/** Sets of servers and tools that a caller never leaves, whatever its policies allow: of a token, a project, an agent, a session. */

export type ToolPair = { server: string; tool: string }

/** It lets through what any of its lists names; without entries, nothing. All names are real names. */
export type Ceiling = {
  /** For people, as in `project demo`. */
  name: string
  /** Servers that it lets through whole. */
  servers?: readonly string[]
  /** Servers with one of these labels, whole. */
  labels?: readonly string[]
  /** Single tools; and of their servers nothing else, neither prompts nor resources. */
  tools?: readonly ToolPair[]
  toolsets?: readonly { name: string; tools: readonly ToolPair[] }[]
}

/** What a ceiling lets through of one server: all of it, or these tools. */
export type Passage = 'all' | ReadonlySet<string>

/** @param labels null where they are not known */
export function passageOf(ceiling: Ceiling, server: string, labels: readonly string[] | null): Passage {
  const { servers = [], labels: named = [], tools = [], toolsets = [] } = ceiling
  if (servers.includes(server) || labels?.some((label) => named.includes(label))) return 'all'
  const pairs = [tools, ...toolsets.map((toolset) => toolset.tools)]
  return new Set(pairs.flatMap((list) => list.filter((pair) => pair.server === server).map(({ tool }) => tool)))
}

/** @param tool null: what a server has beside tools */
export function isThrough(passage: Passage, tool: string | null): boolean {
  return passage === 'all' || (tool !== null && passage.has(tool))
}
