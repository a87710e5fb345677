import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'

/** For who serves from now on, and may have much that is young: `bin/young-space.js` has kept the room for it small. */
export function letYoungSpaceGrow(): void {
  // It is kept for the flags under which it was compiled.
  flushCompileCache()
  setFlagsFromString('--semi-space-growth-factor=2')
}
