/** Which servers a name means, by name and by alias alike: where it means two, nobody shall have to guess. */
import type { Resource } from '#core/resources/resource-store.ts'
import type { AttachedServer } from './broker-checks.ts'

/** Every resource in memory, of which the servers are asked for. */
export type ServerShelf = {
  /** Rises with each change. */
  readonly version: number
  all(kind: 'server'): readonly Resource<'server'>[]
}

const none: readonly AttachedServer[] = []

export class ServerNames {
  readonly #shelf: ServerShelf
  #byName: ReadonlyMap<string, readonly AttachedServer[]> = new Map()
  #version = -1

  constructor(shelf: ServerShelf) {
    this.#shelf = shelf
  }

  /** Enabled servers alone: another one can be reached by nobody. */
  named(name: string): readonly AttachedServer[] {
    if (this.#version !== this.#shelf.version) {
      this.#version = this.#shelf.version
      this.#byName = indexNames(this.#shelf.all('server'))
    }
    return this.#byName.get(name) ?? none
  }
}

function indexNames(servers: readonly Resource<'server'>[]): Map<string, AttachedServer[]> {
  const byName = new Map<string, AttachedServer[]>()
  for (const { id, name, spec } of servers) {
    if (!spec.isEnabled) continue
    for (const word of new Set([name, ...spec.aliases])) byName.set(word, [...(byName.get(word) ?? []), { id, name }])
  }
  return byName
}
