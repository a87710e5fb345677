/** Which servers a name means, by name and by alias alike: where it means two, nobody shall have to guess. */
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { AttachedServer } from './broker-checks.ts'

/** Enabled servers alone: another one can be reached by nobody. */
export function enabledServersCalled(index: Pick<ResourceIndex, 'serversCalled'>, word: string): AttachedServer[] {
  return index.serversCalled(word).flatMap(({ id, name, spec }) => (spec.isEnabled ? [{ id, name }] : []))
}
