/** Regular expressions that servers publish. One that backtracks for ever would stop the whole program. */

/** Patterns that backtrack are at worst cubic below, and this many characters are soon done with. */
const textCharsMax = 1_000

/** ajv tells patterns apart by their text. */
type Pattern = { test: (text: string) => boolean; toString: () => string }

/**
 * For ajv's `code.regExp`. What is too dangerous to run, or too long to run it on, is left to the server: it knows its own
 * pattern, and here the check is a courtesy.
 */
export const patternEngine = Object.assign(
  (source: string, flags: string): Pattern => {
    const pattern = new RegExp(source, flags)
    const toString = (): string => String(pattern)
    if (mayExplode(source)) return { test: () => true, toString }
    return { test: (text) => text.length > textCharsMax || pattern.test(text), toString }
  },
  { code: 'new RegExp' },
)

/** Whether a group that repeats holds a repetition or a choice: the shape of every pattern of exponential time. */
function mayExplode(source: string): boolean {
  const tokens = source.match(/\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:|<[^>]*>)|[^]/g) ?? []
  /** For each group that is open, whether it holds one. */
  const open = [false]
  for (const [index, token] of tokens.entries()) {
    if (token.startsWith('(')) open.push(false)
    else if (token === ')') {
      const inner = open.pop() ?? false
      if (inner && isRepetition(tokens[index + 1])) return true
      open.push((open.pop() ?? false) || inner)
    } else if (isChoice(token) || isRepetition(token)) open[open.length - 1] = true
  }
  return false
}

function isChoice(token: string): boolean {
  return token === '|' || token === '?'
}

function isRepetition(token: string | undefined): boolean {
  return token === '*' || token === '+' || token === '{'
}
