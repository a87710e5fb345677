/** Addresses of stores, so that what a driver could not read is told with its place in the document. */
import { z } from 'zod'

const escapeRule = 'must write a percent sign as %25, and other characters as complete escapes of UTF-8'

export const PostgresAddress = z.url({ protocol: /^postgres(ql)?$/ }).refine(hasWholeEscapes, escapeRule)

export const RedisAddress = z
  .url({ protocol: /^rediss?$/ })
  .refine(hasWholeEscapes, escapeRule)
  .refine(endsWithDatabase, 'must end with the number of a database, such as /0, or with the host and port')

/** One driver fails at others, the other one guesses what was meant. */
function hasWholeEscapes(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password, hostname, pathname } = new URL(text)
  return [username, password, hostname, pathname].every(isDecodable)
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

function endsWithDatabase(text: string): boolean {
  return !URL.canParse(text) || /^(?:\/[0-9]{0,9})?$/.test(new URL(text).pathname)
}
