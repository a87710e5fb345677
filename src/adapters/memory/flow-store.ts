import type { Flow, FlowStore } from '#core/credential/flow-store.ts'

type Row = { flow: Flow | null; rememberUntil: number }

/** A FlowStore that ends with the process. */
export function createMemoryFlowStore(): FlowStore {
  const rows = new Map<string, Row>()
  return {
    async put(flow, rememberUntil) {
      rows.set(flow.id, { flow: structuredClone(flow), rememberUntil })
    },
    async take(id, now) {
      const row = rows.get(id)
      if (!row || row.rememberUntil <= now) return { state: 'unknown' }
      const { flow, rememberUntil } = row
      if (!flow) return { state: 'replayed' }
      if (flow.expiresAt <= now) return { state: 'expired' }
      rows.set(id, { flow: null, rememberUntil })
      return { state: 'taken', flow }
    },
    async deleteForgotten(now, limit) {
      const forgotten = [...rows].filter(([, { rememberUntil }]) => rememberUntil <= now).slice(0, limit)
      for (const [id] of forgotten) rows.delete(id)
      return forgotten.length
    },
  }
}
