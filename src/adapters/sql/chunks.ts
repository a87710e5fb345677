/** A statement has room for so many values: SQLite's limit is 32,766, PostgreSQL's 65,535, and smaller statements are no slower. */
const valuesMax = 2_000

/** The list in parts that fit into one statement each. */
export function chunksOf<Item>(items: readonly Item[], valuesOfEach = 1): Item[][] {
  const size = Math.floor(valuesMax / valuesOfEach)
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

/** PostgreSQL keeps no NUL in a text, and refuses to look for one: nothing stored has it. */
export function canBeStored(text: string): boolean {
  return !text.includes('\0')
}
