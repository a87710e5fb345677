import type { Change } from '#core/resources/resource-store.ts'
import type { ControlDeps } from './control-deps.ts'

/** Stores all of it or nothing, and tells every replica. */
export async function commit({ store, announce }: ControlDeps, changes: readonly Change[]): Promise<void> {
  await announce(await store.write(changes))
}
