/**
 * A caller's access: what its policies and ceilings come to, asked on every list and call. It is compiled when somebody first asks, server by
 * server. The answers are those of `decide.ts`.
 */
import type { Policy } from '#contract/policy.ts'
import { passageOf } from './ceiling.ts'
import { partsOf, type AccessParts } from './composition.ts'
import { CompiledRules } from './compiled-rules.ts'
import type { Decision } from './decision.ts'
import { explain, type Explanation } from './explain.ts'
import { toFingerprint } from './fingerprint.ts'
import { compareTexts } from './rule-order.ts'
import { ServerAccess } from './server-access.ts'

export type { Decision } from './decision.ts'

export interface Access {
  /**
   * For lists, and wherever the arguments are not known: the best that some arguments get.
   * @param server the real name, never an alias
   */
  tool(server: string, tool: string): Decision
  /** Equal to what `tool` gives where that is not `isConditional`. */
  call(server: string, tool: string, args: unknown): Decision
  /** The level for prompts, resources and whatever else has no tool name. */
  server(server: string): Decision
  /**
   * Whether the caller may see anything at all of this server, be it one tool. Never false where it may; true without need only where several
   * denies together leave nothing, or policies are too long to be compared.
   */
  mayReach(server: string): boolean
  /**
   * How a decision comes about. Not for the path of a call.
   * @param tool null: what the server has beside tools
   * @param args undefined: for lists
   */
  explain(server: string, tool: string | null, args?: unknown): Explanation
  /** Equal exactly for what is made of equal parts, in whatever order they were given: what was made for one serves the other. */
  readonly fingerprint: string
}

export type Hash = (text: string) => string

/** What is remembered is bounded, because callers choose the names they ask for. */
const toolsMax = 10_000
const serversMax = 1_000
const nameCharsMax = 256

/**
 * Compiled when somebody first asks, and then server by server: most callers ask for few.
 * @param parts are not changed afterwards: whoever has other policies, or other labels, makes another access
 * @param hash makes the fingerprint short; it must be one that nobody can find collisions for. Without it the fingerprint is a text of all parts
 */
export function composeAccess({ hash = asItIs, ...parts }: AccessParts & { hash?: Hash | undefined }): Access {
  return new ComposedAccess(parts, hash)
}

/** Of a caller who has these policies and nothing else. Labels are not known: a rule that denies one denies every server. */
export function compileAccess(policies: readonly Policy[], hash: Hash = asItIs): Access {
  const access = new ComposedAccess(partsOf(policies), hash)
  access.compile()
  return access
}

function asItIs(text: string): string {
  return text
}

class ComposedAccess implements Access {
  readonly #parts: AccessParts
  readonly #hash: Hash
  readonly #servers = new Map<string, ServerAccess>()
  #compiled: CompiledRules | undefined
  #outer: CompiledRules | undefined
  #fingerprint: string | undefined
  #toolCount = 0

  constructor(parts: AccessParts, hash: Hash) {
    this.#parts = parts
    this.#hash = hash
  }

  get fingerprint(): string {
    return (this.#fingerprint ??= toFingerprint(this.#parts, this.#hash))
  }

  tool(server: string, tool: string): Decision {
    const access = this.#servers.get(server) ?? this.#compileServer(server)
    const known = access.known.get(tool)
    if (known) return known
    const decision = access.list(tool)
    if (tool.length > nameCharsMax) return decision
    if (this.#toolCount >= toolsMax) this.#forget()
    access.known.set(tool, decision)
    this.#toolCount++
    return decision
  }

  call(server: string, tool: string, args: unknown): Decision {
    const decision = this.tool(server, tool)
    if (decision.isConditional !== true) return decision
    return (this.#servers.get(server) ?? this.#compileServer(server)).call(tool, args)
  }

  server(server: string): Decision {
    return (this.#servers.get(server) ?? this.#compileServer(server)).decision
  }

  mayReach(server: string): boolean {
    return (this.#servers.get(server) ?? this.#compileServer(server)).mayReach
  }

  explain(server: string, tool: string | null, args?: unknown): Explanation {
    return explain(this.#parts, { server, tool, args })
  }

  compile(): CompiledRules {
    return (this.#compiled ??= new CompiledRules(this.#parts))
  }

  /** Of what the grant is held within; null: of nothing. */
  #compileOuter(): CompiledRules | null {
    const { within, labelsOf } = this.#parts
    if (!within) return null
    // What the bounds deny, the grant's own rules deny.
    return (this.#outer ??= new CompiledRules({ grant: within, bounds: [], ceilings: [], labelsOf }))
  }

  #compileServer(server: string): ServerAccess {
    const { labelsOf, isForEveryone, ceilings } = this.#parts
    const labels = labelsOf(server)
    const passages = ceilings
      .map((ceiling) => ({ name: ceiling.name, passage: passageOf(ceiling, server, labels) }))
      .toSorted((one, other) => compareTexts(one.name, other.name))
    const facts = { isForEveryone: isForEveryone?.(server) ?? false, passages }
    const outer = this.#compileOuter()
    const within = outer && new ServerAccess(server, { ...facts, compiled: outer, within: null })
    const access = new ServerAccess(server, { ...facts, compiled: this.compile(), within })
    if (this.#servers.size >= serversMax) this.#forget()
    if (server.length <= nameCharsMax) this.#servers.set(server, access)
    return access
  }

  #forget(): void {
    this.#servers.clear()
    this.#toolCount = 0
  }
}
