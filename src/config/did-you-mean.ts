/** The known word that a mistyped one most likely stands for, or null. */
export function findClosest(word: string, known: readonly string[]): string | null {
  const wanted = fold(word)
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(wanted, fold(candidate)) }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= distanceMax(wanted) ? best.candidate : null
}

/** `timeout_ms`, `timeout-ms` and `timeoutMS` are all `timeoutMs`. */
function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[_\s-]/g, '')
}

function distanceMax(word: string): number {
  return Math.min(3, Math.floor(word.length / 2))
}

/** Single characters put in, taken out, replaced, or swapped with the next. Longer words than any key are not compared. */
function distance(a: string, b: string): number {
  if (a.length > 64) return Number.POSITIVE_INFINITY
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1, isSwapped ? at(i - 2, j - 2) + 1 : replaced))
    }
  }
  return at(a.length, b.length)
}
