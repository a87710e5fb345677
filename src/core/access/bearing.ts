/** Whether a rule whose names match counts, as far as arguments have a say. */
import { askGuard } from './guard.ts'
import type { RankedRule } from './rule-order.ts'

/**
 * With which arguments it is asked:
 * - those of a call;
 * - `some`, not known yet, as for a list: a rule that asks for arguments may count;
 * - `none`, ever, as for prompts and resources: nobody will ask again, so one that denies counts, and one that allows does not.
 */
export type Asking = 'some' | 'none' | { args: unknown }

/** `parameter` is the argument on which it hung, by its path. */
export type Bearing = { counts: boolean | 'maybe'; parameter: string | null }

const yes: Bearing = { counts: true, parameter: null }
const no: Bearing = { counts: false, parameter: null }
const maybe: Bearing = { counts: 'maybe', parameter: null }

export function bearingOf({ guard, level }: RankedRule, asking: Asking): Bearing {
  if (guard === null) return yes
  if (asking === 'some') return maybe
  if (asking === 'none') return level === 'deny' ? yes : no
  const { applies, parameter } = askGuard(guard, asking.args)
  return { counts: applies, parameter }
}
