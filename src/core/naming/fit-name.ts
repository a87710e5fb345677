/** Makes any text a name that a narrow alphabet and a length limit allow. */

/** The longest tool name that every known model and client takes. */
const nameCharsMax = 64

/** Enough that two names of one server do not meet by chance; short enough to leave the name readable. */
const hashChars = 10

export type NameRule = {
  /** Matches every single character that may not stay; needs the flag `g`. */
  outside: RegExp
  /** What the suffix is made of, so that two originals which fold into one text still differ. */
  original: string
}

/**
 * The text itself where it fits. Otherwise its forbidden characters become `_`, it is cut, and `_` and ten characters of
 * the original's hash end it: the same every time, and at most 64 characters long.
 * @param hash text → at least ten characters of hex or base64url, equal for equal text
 */
export function fitName(text: string, rule: NameRule, hash: (text: string) => string): string {
  const folded = text.replace(rule.outside, '_')
  if (folded === text && text !== '' && text.length <= nameCharsMax) return text
  const suffix = `_${hash(rule.original).slice(0, hashChars).replace(rule.outside, '_')}`
  return folded.slice(0, nameCharsMax - suffix.length) + suffix
}
