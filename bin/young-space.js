// The room that V8 has for what is young. It doubles up to 32 MB while a program starts, though nearly all that a start makes stays; and a
// gateway that is idle never gives it back. So it stays small until the gateway serves (`src/compose/young-space.ts`): 20 MB less.
import { setFlagsFromString } from 'node:v8'

/** To be called before anything is compiled: what is compiled is kept for the flags that it was compiled under. */
export function keepYoungSpaceSmall() {
  setFlagsFromString('--semi-space-growth-factor=1')
}
