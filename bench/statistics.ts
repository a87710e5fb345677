/** The few figures that the bench draws from its samples. */

/** The value below which the share `share` (0 to 1) of the samples lies; `NaN` without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/** The middle sample, or the mean of the two middle ones; `NaN` without samples. */
export function median(samples: readonly number[]): number {
  const sorted = samples.filter((sample) => !Number.isNaN(sample)).toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** Round by round, candidate over reference: a slow moment of the machine hits both. */
export function pairedRatios(candidate: readonly number[], reference: readonly number[]): number[] {
  return candidate.map((value, round) => value / (reference[round] ?? Number.NaN))
}

/** Their median, for which a round in which it hit one of them is one vote. */
export function pairedRatio(candidate: readonly number[], reference: readonly number[]): number {
  return median(pairedRatios(candidate, reference))
}

export const rangeOf = (samples: readonly number[]): readonly [number, number] => [
  Math.min(...samples),
  Math.max(...samples),
]
