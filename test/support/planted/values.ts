/** Every value that is written to a SQLite in this process goes by here, before it is in any page or log of it. */
import { arePlanted, count, look } from '../planted.ts'
import { before } from './wrap.ts'

export function watchValues(): void {
  const { prototype } = process.getBuiltinModule('node:sqlite').StatementSync
  for (const name of ['run', 'get', 'all', 'iterate'])
    before(prototype, name, (_statement, values) => {
      for (const value of values) lookAt(value)
    })
}

function lookAt(value: unknown): void {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return
  if (arePlanted()) look('values', value, () => 'a value of SQLite')
  else count('values', value.length)
}
