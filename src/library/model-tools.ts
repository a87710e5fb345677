/** Tools of many servers under the names that models use, and the way back. */
import { ConfigurationError } from './errors.ts'
import { ToolNames, toPrefixedName, type ToolPair } from './model-name.ts'
import type { Tool } from './tool.ts'

export type NamedTool = { name: string; tool: Tool }

/** Servers have no `__` in their names, so the first one ends the server. */
const plainName = /^mcp_(.+?)__(.+)$/s

export class ModelTools {
  #names = new ToolNames([])

  /**
   * Names all tools. A server that has two tools which would share a name is left out: it costs its own tools only.
   * @throws ConfigurationError where tools of two servers would share a name, which the servers' names alone can bring about
   */
  name(tools: ReadonlyMap<string, readonly Tool[]>): NamedTool[] {
    const named = [...tools].flatMap(([server, own]) => {
      const pairs = own.map((tool) => ({ server, tool: tool.name }))
      return areDistinct(pairs) ? own.map((tool) => ({ server, tool })) : []
    })
    this.#names = new ToolNames(named.map(({ server, tool }) => ({ server, tool: tool.name })))
    return named.map(({ server, tool }) => ({ name: toPrefixedName({ server, tool: tool.name }), tool }))
  }

  /** The tool that was given this name, or null. */
  findNamed(name: string): ToolPair | null {
    return this.#names.find(name)
  }
}

/**
 * The tool that a name means by itself, whether or not there is such a tool.
 * @returns null for what is no prefixed name, and for short forms, which hold too little to be read
 */
export function readPlainName(name: string): ToolPair | null {
  const [, server, tool] = plainName.exec(name) ?? []
  if (server === undefined || tool === undefined) return null
  return toPrefixedName({ server, tool }) === name ? { server, tool } : null
}

/** A tool's own name may look like that too, so this is no proof. */
export function looksShortened(name: string): boolean {
  return /_[0-9a-f]{10}$/.test(name)
}

function areDistinct(pairs: readonly ToolPair[]): boolean {
  try {
    return new ToolNames(pairs) instanceof ToolNames
  } catch (error) {
    if (error instanceof ConfigurationError) return false
    throw error
  }
}
