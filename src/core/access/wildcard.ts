/** Patterns of policy rules: `*` stands for any text, also none, and `?` for exactly one UTF-16 unit. The rest is compared exactly. */

const star = 0x2a
const questionMark = 0x3f

export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/**
 * Whether the pattern describes the whole text. Only the last `*` is ever taken back, because an earlier one that took
 * more could not help: so at most text × pattern steps, and never the blow-up of a regular expression.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0
  let patternAt = 0
  let resumeAt = 0
  let resumePatternAt = -1
  while (at < text.length) {
    const expected = pattern.charCodeAt(patternAt)
    if (expected === star) {
      patternAt++
      resumePatternAt = patternAt
      resumeAt = at
    } else if (expected === questionMark || expected === text.charCodeAt(at)) {
      patternAt++
      at++
    } else if (resumePatternAt >= 0) {
      patternAt = resumePatternAt
      resumeAt++
      at = resumeAt
    } else {
      return false
    }
  }
  while (pattern.charCodeAt(patternAt) === star) patternAt++
  return patternAt === pattern.length
}
