/** Whether two lists of patterns, of which some are denied, can let one tool through. */
import { coversPattern } from './cover.ts'
import { canBothMatch, startApart } from './wildcard.ts'

export type ReadPatterns = {
  /** Of tools that may be read. */
  readable: readonly string[]
  /** Of tools that may not, whatever else is said. */
  denied: readonly string[]
}

/** Letters that are compared; what takes longer to know is taken for true. A millisecond or two at the most, once for a server. */
const stepsMax = 200_000

/** False only where there is surely none: what several denies leave nothing of together is not found out. */
export function mayShareTool(one: ReadPatterns, other: ReadPatterns): boolean {
  const denied = [...new Set([...one.denied, ...other.denied])]
  let stepsLeft = stepsMax
  const isLeft = (pattern: string): boolean =>
    !denied.some((deny) => {
      stepsLeft -= pattern.length + deny.length
      return stepsLeft > 0 && coversPattern(deny, pattern)
    })
  const others = other.readable.filter(isLeft)
  return one.readable.some(
    (pattern) =>
      isLeft(pattern) &&
      others.some((another) => {
        const isApart = startApart(pattern, another)
        stepsLeft -= isApart ? 1 : pattern.length * another.length
        return stepsLeft <= 0 || (!isApart && canBothMatch(pattern, another))
      }),
  )
}
