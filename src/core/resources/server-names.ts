/** Which servers a name means, by name and by alias alike: where it means two, nobody shall have to guess. */
import type { ResourceIndex } from './resource-index.ts'
import type { Resource } from './resource-store.ts'

type Index = Pick<ResourceIndex, 'serversCalled'>

/** Undefined where there is none, or several. Enabled or not. */
export function theServerCalled(index: Index, word: string): Resource<'server'> | undefined {
  const [only, ...others] = index.serversCalled(word)
  return others.length === 0 ? only : undefined
}

/** Enabled servers alone: another one can be reached by nobody. */
export function enabledServersCalled(index: Index, word: string): { id: string; name: string }[] {
  return index.serversCalled(word).flatMap(({ id, name, spec }) => (spec.isEnabled ? [{ id, name }] : []))
}
