/** Of which of its teams a user uses the credential: the first, in the order of names, that has given one. */
import type { CredentialBook } from '#core/credential/credential-book.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import { compareTexts } from '#core/access/rule-order.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'

type Deps = { book: Pick<CredentialBook, 'find'>; index: Pick<ResourceIndex, 'get' | 'teamsOf'> }

export class TeamChoice {
  readonly #serverId: string
  readonly #deps: Deps
  readonly #chosen = new Map<string, string | null>()
  #stamp = -1

  constructor(serverId: string, deps: Deps) {
    this.#serverId = serverId
    this.#deps = deps
  }

  /**
   * Where none has, the first team is the one that is missing it.
   * @param stamp rises with each change of users, of teams and of what is stored
   * @returns the team's id; null: the user is in none, or may not do anything any more, whoever calls in its name
   */
  of(userId: string, stamp: number): string | null {
    if (this.#stamp !== stamp) {
      this.#chosen.clear()
      this.#stamp = stamp
    }
    let chosen = this.#chosen.get(userId)
    if (chosen === undefined) this.#chosen.set(userId, (chosen = this.#choose(userId)))
    return chosen
  }

  #choose(userId: string): string | null {
    const { book, index } = this.#deps
    const user = index.get('user', userId)
    if (!user || user.spec.isDisabled) return null
    const teams = index.teamsOf(userId).toSorted((one, other) => compareTexts(one.name, other.name))
    const hasGiven = (ref: string): boolean => {
      const entry = book.find(nameOfCredential(this.#serverId, { kind: 'team', ref }))
      return entry !== undefined && entry.credential.secret !== null
    }
    return (teams.find(({ id }) => hasGiven(id)) ?? teams[0])?.id ?? null
  }
}
