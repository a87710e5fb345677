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

/** Whether two patterns say different letters before either of them has a `*`: then no text matches both. Most pairs do, and it is cheap. */
export function startApart(one: string, other: string): boolean {
  for (let at = 0; at < one.length && at < other.length; at++) {
    const [mine, theirs] = [one.charCodeAt(at), other.charCodeAt(at)]
    if (mine === star || theirs === star) return false
    if (!isSameLetter(mine, theirs)) return true
  }
  return false
}

function isSameLetter(one: number, other: number): boolean {
  return one === other || one === questionMark || other === questionMark
}

/** Whether there is a text that both patterns describe, in pattern × pattern steps. */
export function canBothMatch(one: string, other: string): boolean {
  let shared = sharedWithNothing(other)
  for (let at = one.length - 1; at >= 0; at--) shared = sharedFrom(one.charCodeAt(at), other, shared)
  return shared[0] === 1
}

/** At each place of a pattern: 1 where what is left of it from there has a text in common with what is left of the other one. */
type Shared = Uint8Array

/** With the empty text only what consists of `*` has something in common. */
function sharedWithNothing(pattern: string): Shared {
  const shared = new Uint8Array(pattern.length + 1)
  shared[pattern.length] = 1
  for (let at = pattern.length - 1; at >= 0 && pattern.charCodeAt(at) === star; at--) shared[at] = 1
  return shared
}

/** With one letter more of the other one, before all that `behind` is for. */
function sharedFrom(letter: number, pattern: string, behind: Shared): Shared {
  const shared = new Uint8Array(pattern.length + 1)
  if (letter === star && behind[pattern.length] === 1) shared[pattern.length] = 1
  for (let at = pattern.length - 1; at >= 0; at--) {
    const own = pattern.charCodeAt(at)
    // A `*` stands for nothing, or for whatever the letter beside it stands for.
    const isStar = letter === star || own === star
    const isBehind = isStar ? behind[at] === 1 || shared[at + 1] === 1 : behind[at + 1] === 1
    if (isBehind && (isStar || isSameLetter(letter, own))) shared[at] = 1
  }
  return shared
}
