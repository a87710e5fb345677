// The room that V8 has for what is young. It doubles up to 32 MB while a program starts, though nearly all that a start makes stays; and a
// gateway that is idle never gives it back. So it grows only under load: 20 MB less.
import * as nodeModule from 'node:module'
import { setFlagsFromString } from 'node:v8'

/** To be called before anything is compiled: what is compiled is kept for the flags that it was compiled under. */
export function keepYoungSpaceSmall() {
  setFlagsFromString('--semi-space-growth-factor=1')
}

export function letYoungSpaceGrow() {
  nodeModule.flushCompileCache()
  setFlagsFromString('--semi-space-growth-factor=2')
}
