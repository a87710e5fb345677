/** Which servers are registered, and what else they are called. Real names win; a name means one server only. */
import { ServerName, type ServedServer } from '#contract/server.ts'
import { ConfigurationError, ServerAlreadyExistsError, ServerNotFoundError } from './errors.ts'

/** Beyond this many aliases something goes round in circles. */
const aliasesMax = 10_000

export class ServerBook {
  readonly #servers = new Map<string, ServedServer>()
  readonly #aliases = new Map<string, string>()

  get servers(): ServedServer[] {
    return [...this.#servers.values()]
  }

  /** @throws ServerAlreadyExistsError where the name is taken, be it by an alias */
  add(server: ServedServer): void {
    if (this.has(server.name)) throw new ServerAlreadyExistsError({ server: server.name })
    this.#servers.set(server.name, server)
  }

  /** Removes it with its aliases. @throws ServerNotFoundError */
  remove(name: string): ServedServer {
    const server = this.get(name)
    this.#servers.delete(server.name)
    for (const alias of this.aliasesOf(server.name)) this.#aliases.delete(alias)
    return server
  }

  /**
   * @throws ConfigurationError where the alias could be no name, ServerAlreadyExistsError where it means something already,
   * ServerNotFoundError where the server does not exist
   */
  addAlias(alias: string, name: string): void {
    const { name: real } = this.get(name)
    if (this.#aliases.get(alias) === real) return
    const issues = ServerName.safeParse(alias).error?.issues ?? []
    if (issues.length > 0) throw new ConfigurationError({ errors: issues.map(({ message }) => `alias: ${message}`) })
    if (this.has(alias)) throw new ServerAlreadyExistsError({ server: alias })
    if (this.#aliases.size >= aliasesMax) throw new ConfigurationError({ errors: [`at most ${aliasesMax} aliases`] })
    this.#aliases.set(alias, real)
  }

  aliasesOf(name: string): string[] {
    return [...this.#aliases].flatMap(([alias, real]) => (real === name ? [alias] : []))
  }

  /** By real name or alias. @throws ServerNotFoundError */
  get(name: string): ServedServer {
    const server = this.#servers.get(name) ?? this.#servers.get(this.#aliases.get(name) ?? '')
    if (!server) throw new ServerNotFoundError({ server: name })
    return server
  }

  /** Whether this is a server's real name or an alias. */
  has(name: string): boolean {
    return this.#servers.has(name) || this.#aliases.has(name)
  }
}
