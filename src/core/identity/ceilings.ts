/** What tokens, agents, projects and toolsets let through, with the names by which servers are called: the store has ids. */
import type { Project } from '#contract/project.ts'
import type { Token } from '#contract/token.ts'
import type { Ceiling, ToolPair } from '#core/access/ceiling.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

type Index = Pick<ResourceIndex, 'get' | 'find'>
type Tools = { name: string; tools: readonly ToolPair[] }

/** For one state of servers, toolsets and projects. */
export class Ceilings {
  readonly #index: Index
  /** One list for each toolset, by which those who share it are known to share it. */
  readonly #toolsets = new Map<string, Tools>()

  constructor(index: Index) {
    this.#index = index
  }

  /** None where the token names nothing; one that names only what is gone lets nothing through. */
  ofToken({ servers, accessGroups, toolsets, tools }: Token): Ceiling[] {
    if (!servers && !accessGroups && !toolsets && !tools) return []
    const named = { servers: this.#namesOf(servers ?? []), tools: this.#pairsOf(tools ?? []) }
    return [{ name: 'the token', ...named, labels: accessGroups ?? [], toolsets: this.#toolsetsOf(toolsets ?? []) }]
  }

  ofProject({ name, spec }: { name: string; spec: Project }): Ceiling {
    const { servers, toolsets } = spec
    return { name: `project ${name}`, servers: this.#namesOf(servers), toolsets: this.#toolsetsOf(toolsets) }
  }

  ofToolset(toolset: Resource<'toolset'>): Ceiling {
    return { name: `toolset ${toolset.name}`, toolsets: [this.#toolset(toolset)] }
  }

  /** What is attached to an agent: servers whole, or with a list of tools these alone. */
  ofAgent({ name, spec: { servers } }: Resource<'agent'>): Ceiling {
    const whole = servers.flatMap(({ server, tools }) => (tools ? [] : [server]))
    const pairs = servers.flatMap(({ server, tools = [] }) => tools.map((tool) => ({ server, tool })))
    return { name: `agent ${name}`, servers: this.#namesOf(whole), tools: this.#pairsOf(pairs) }
  }

  /** @param ids each let through whole */
  ofServers(name: string, ids: readonly string[]): Ceiling {
    return { name, servers: this.#namesOf(ids) }
  }

  /** @param servers real names, each offered whole */
  ofMixture(servers: readonly string[], toolsets: readonly string[]): Ceiling {
    return { name: 'the address', servers, toolsets: this.#toolsetsOf(toolsets) }
  }

  #toolsetsOf(ids: readonly string[]): Tools[] {
    return ids.flatMap((id) => {
      const toolset = this.#index.get('toolset', id)
      return toolset ? [this.#toolset(toolset)] : []
    })
  }

  #toolset({ id, name, spec }: Resource<'toolset'>): Tools {
    let known = this.#toolsets.get(id)
    if (!known) this.#toolsets.set(id, (known = { name, tools: this.#pairsOf(spec.tools) }))
    return known
  }

  #pairsOf(pairs: readonly ToolPair[]): ToolPair[] {
    return pairs.flatMap(({ server, tool }) => this.#namesOf([server]).map((name) => ({ server: name, tool })))
  }

  /** A server that is gone has no name, and one that another has taken the name of cannot be called by it. */
  #namesOf(ids: readonly string[]): string[] {
    return ids.flatMap((id) => {
      const name = this.#index.get('server', id)?.name
      return name !== undefined && this.#index.find('server', name)?.id === id ? [name] : []
    })
  }
}
