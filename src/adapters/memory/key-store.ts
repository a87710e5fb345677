import type { KeyStore, StoredKey } from '#core/vault/key-store.ts'

/** A KeyStore that ends with the process. @param isUsed whether something is sealed under a key */
export function createMemoryKeyStore(isUsed: (id: string) => boolean = () => false): KeyStore {
  let stored: readonly StoredKey[] = []
  return {
    list: () => Promise.resolve([...stored]),
    add(key, after) {
      const current = stored.find(({ retiredAt }) => retiredAt === null)
      if ((current?.id ?? null) !== after || stored.some(({ id }) => id === key.id)) return Promise.resolve(false)
      const others = stored.map((one) => (one === current ? { ...one, retiredAt: key.createdAt } : one))
      stored = [...others, { ...key, retiredAt: null }]
      return Promise.resolve(true)
    },
    rewrap(seen, next) {
      const found = stored.find(({ id, wrapped }) => id === seen.id && wrapped === seen.wrapped)
      stored = stored.map((one) => (one === found ? { ...one, ...next } : one))
      return Promise.resolve(found !== undefined)
    },
    delete(id) {
      const found = stored.find((one) => one.id === id && one.retiredAt !== null)
      if (!found || isUsed(id)) return Promise.resolve(false)
      stored = stored.filter((one) => one !== found)
      return Promise.resolve(true)
    },
  }
}
