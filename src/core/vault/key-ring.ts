/** The data keys as this process knows them: the current one, which seals, and all that open. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { DataCipher, DataKeys } from './data-keys.ts'
import type { KeyStore, StoredKey } from './key-store.ts'
import type { KeyWrapper } from './key-wrapper.ts'

export type KeyRingDeps = {
  store: KeyStore
  /** Wraps. */
  wrapper: KeyWrapper
  /** Under which keys may be wrapped still; they are wrapped anew at the start. */
  formerWrappers: readonly KeyWrapper[]
  keys: DataKeys
  clock: Pick<Clock, 'now'>
}

export type RingKey = { readonly id: string; readonly cipher: DataCipher }

export class KeyRing {
  readonly #deps: KeyRingDeps
  /** Never less: a text that was read a moment ago may be under a key that nobody stores any more. */
  readonly #known = new Map<string, RingKey>()
  /** Wrapped texts that nobody here can open: they are not tried again. */
  readonly #strange = new Set<string>()
  #current: RingKey
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  private constructor(deps: KeyRingDeps, current: RingKey) {
    this.#deps = deps
    this.#current = current
    this.#known.set(current.id, current)
  }

  /**
   * Makes the first key where there is none. Those that start together end with one.
   * @throws GatewayError `config_invalid` where the current key is wrapped under a master key that is not known here, `vault_unavailable`
   */
  static async open(deps: KeyRingDeps): Promise<KeyRing> {
    const stored = await currentOrFirst(deps)
    return KeyRing.#from(deps, stored, await unwrap(deps, stored))
  }

  /**
   * As `open`, and puts a new key in the place of a current one that nobody can unwrap. What is under that one is lost.
   * @throws GatewayError `vault_unavailable`: then nothing is known to be lost
   */
  static async openAnyhow(deps: KeyRingDeps): Promise<KeyRing> {
    const stored = await currentOrFirst(deps)
    if ((await unwrap(deps, stored)) === null) await addKey(deps, stored.id)
    return KeyRing.open(deps)
  }

  static async #from(deps: KeyRingDeps, stored: StoredKey, key: RingKey | null): Promise<KeyRing> {
    if (key === null) throw unopened(deps, stored)
    const ring = new KeyRing(deps, key)
    await ring.reload()
    await ring.#rewrap()
    return ring
  }

  get current(): RingKey {
    return this.#current
  }

  find(id: string): RingKey | undefined {
    return this.#known.get(id)
  }

  /**
   * Looks again which keys there are: another process may have made one.
   * @throws GatewayError as `open`; what is known stays so
   */
  reload(): Promise<void> {
    // One look that is under way may have begun too early for whoever asks now.
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        this.#last = this.#load()
        return this.#last
      })
    return this.#next
  }

  /**
   * Makes a new key the current one.
   * @returns false where somebody else did it at this moment; theirs is current then
   */
  async replace(): Promise<boolean> {
    const isAdded = await addKey(this.#deps, this.#current.id)
    await this.reload()
    return isAdded
  }

  async #load(): Promise<void> {
    const stored = await this.#deps.store.list()
    for (const one of stored) await this.#learn(one)
    const current = stored.find(isCurrent)
    if (!current) throw new GatewayError('internal', { details: { reason: 'There is no current data key.' } })
    const known = this.#known.get(current.id)
    if (!known) throw unopened(this.#deps, current)
    this.#current = known
  }

  async #learn(stored: StoredKey): Promise<void> {
    if (this.#known.has(stored.id) || this.#strange.has(stored.wrapped)) return
    const key = await unwrap(this.#deps, stored)
    if (key) this.#known.set(key.id, key)
    else this.#strange.add(stored.wrapped)
  }

  async #rewrap(): Promise<void> {
    const { store, wrapper, formerWrappers } = this.#deps
    for (const seen of await store.list()) {
      const former = formerWrappers.find(({ id }) => id === seen.wrappedBy)
      if (!former || former.id === wrapper.id) continue
      const key = await former.unwrap(seen.wrapped, contextOf(seen.id))
      if (key) await store.rewrap(seen, { wrapped: await wrapper.wrap(key, contextOf(seen.id)), wrappedBy: wrapper.id })
    }
  }
}

/**
 * The keys that no wrapper here opens.
 * @throws GatewayError `vault_unavailable`
 */
export async function findLostKeys(deps: KeyRingDeps): Promise<StoredKey[]> {
  const lost: StoredKey[] = []
  for (const stored of await deps.store.list()) if ((await unwrap(deps, stored)) === null) lost.push(stored)
  return lost
}

const attemptsMax = 3

async function currentOrFirst(deps: KeyRingDeps): Promise<StoredKey> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const stored = await deps.store.list()
    const current = stored.find(isCurrent)
    if (current) return current
    // Where somebody else was first, theirs is found in the next round.
    await addKey(deps, null)
  }
  throw new GatewayError('internal', { details: { reason: 'No data key could be stored.' } })
}

async function addKey({ store, wrapper, keys, clock }: KeyRingDeps, after: string | null): Promise<boolean> {
  const key = keys.make()
  const id = keys.idOf(key)
  const wrapped = await wrapper.wrap(key, contextOf(id))
  return store.add({ id, wrapped, wrappedBy: wrapper.id, createdAt: clock.now() }, after)
}

async function unwrap({ wrapper, formerWrappers, keys }: KeyRingDeps, stored: StoredKey): Promise<RingKey | null> {
  const by = [wrapper, ...formerWrappers].find(({ id }) => id === stored.wrappedBy)
  const key = by ? await by.unwrap(stored.wrapped, contextOf(stored.id)) : null
  return key && keys.idOf(key) === stored.id ? { id: stored.id, cipher: keys.toCipher(key) } : null
}

function isCurrent({ retiredAt }: StoredKey): boolean {
  return retiredAt === null
}

function contextOf(id: string): string {
  return `data key ${id}`
}

function unopened({ wrapper, formerWrappers }: KeyRingDeps, { id, wrappedBy }: StoredKey): GatewayError {
  const isKnown = [wrapper, ...formerWrappers].some((one) => one.id === wrappedBy)
  const why = isKnown
    ? `The data key ${id} cannot be unwrapped by ${wrappedBy}: it was changed, or the master key was.`
    : `The data key ${id} is wrapped by ${wrappedBy}, and this gateway has ${wrapper.id}: its master key is another one.`
  const where = wrappedBy.startsWith('local:')
    ? ' Put back the secret.key that belongs to this database, or set TOOLGATE_SECRET_KEY to what it holds.'
    : ''
  const reason = `${why} Without that the secrets in this database cannot be read.${where} Where it is lost for ever: toolgate vault forget.`
  return new GatewayError('config_invalid', { details: { reason, key: id } })
}
