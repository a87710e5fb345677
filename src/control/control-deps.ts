/** What the use cases need of the world. Types only. */
import type { ChangeLog } from '#core/audit/change-log.ts'
import type { Clock } from '#core/clock.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { ChangeNumber, ResourceStore } from '#core/resources/resource-store.ts'

export type ControlDeps = {
  /** What is true. */
  store: ResourceStore
  /** The same in memory, a moment later, and what the configuration declares. */
  index: ResourceIndex
  clock: Pick<Clock, 'now'>
  /** `prefix`, `_`, and 20 characters that nobody guesses. */
  newId: (prefix: string) => string
  changes: ChangeLog
  /** Where browsers reach the gateway; null: nobody has said. */
  publicUrl?: string | null
  /** Tells the other replicas; resolves when this one's `index` has it. */
  announce: (upTo: ChangeNumber) => Promise<void>
}
