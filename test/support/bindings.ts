/** Role bindings made at random, over few names so that they often meet. */
import * as fc from 'fast-check'
import { type Binding, ManagedResource, Role, RunAction } from '#contract/role-binding.ts'

const anyName = fc.constantFrom('my-ha', 'a', 'b', 'srv_AbC-_9')

export const anyBinding: fc.Arbitrary<Binding> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ role: anyOf(Role.options), resource: anyOf(ManagedResource.options) }) },
  {
    weight: 4,
    arbitrary: fc.record({ role: anyOf(Role.options), resource: anyOf(ManagedResource.options), name: anyName }),
  },
  { weight: 1, arbitrary: fc.record({ role: fc.constant('run' as const), action: anyOf(RunAction.options) }) },
)

export const anyBindings: fc.Arbitrary<Binding[]> = fc.array(anyBinding, { maxLength: 12 })

function anyOf<Word>(words: readonly Word[]): fc.Arbitrary<Word> {
  return fc.constantFrom(...words)
}
