/** What must be replaced in a large request's own text. */
import type { UpstreamCall } from './upstream-session.ts'

/** JSON texts of the id, where it is another, and of the tool's own name. */
export function namesOf(call: UpstreamCall, id: string | undefined): { id?: string; name?: string } {
  const name = call.params?.['name']
  return { ...(id === undefined ? {} : { id }), ...(typeof name === 'string' ? { name: JSON.stringify(name) } : {}) }
}
