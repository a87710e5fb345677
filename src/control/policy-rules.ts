import { invalidBody } from '#contract/parse-body.ts'
import type { ControlDeps } from './control-deps.ts'
import { changedMembers, type Transition } from './transition.ts'

/** A rule that names an alias would never match, and a denial that never matches is a hole. */
export function checkPolicy({ index }: Pick<ControlDeps, 'index'>, { before, after }: Transition<'policy'>): void {
  if (before !== null && !changedMembers(before.spec, after.spec).includes('rules')) return
  const isAlias = (word: string): boolean => !index.find('server', word) && index.serversCalled(word).length > 0
  const problems = after.spec.rules.flatMap(({ server }, position) =>
    isAlias(server) ? [{ path: `rules[${position}].server`, problem: 'is an alias; rules use the real name' }] : [],
  )
  if (problems.length > 0) throw invalidBody(problems)
}
