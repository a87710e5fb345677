/** The inspector of another node process, which must run under `inspectorFlag`. */
import { once } from 'node:events'
import { poll, type BenchProcess } from './processes.ts'

export const inspectorFlag = '--inspect=127.0.0.1:0'

export type Inspector = Disposable & {
  /** Sends one command and gives its result. One at a time. */
  ask(method: string, params?: object): Promise<unknown>
}

export async function openInspector(started: BenchProcess): Promise<Inspector> {
  const url = await poll(started, async () => /ws:\/\/\S+/.exec(started.output())?.[0] ?? null)
  const socket = new WebSocket(url)
  await once(socket, 'open')
  let lastId = 0
  return {
    async ask(method, params = {}) {
      const id = ++lastId
      socket.send(JSON.stringify({ id, method, params }))
      for (;;) {
        const [event] = (await once(socket, 'message')) as [{ data: string }]
        const reply = JSON.parse(event.data) as { id?: number; result?: unknown }
        if (reply.id === id) return reply.result
      }
    },
    [Symbol.dispose]: () => socket.close(),
  }
}

/** Bytes of heap in use after a forced collection, buffers included. */
export async function readLiveHeap(inspector: Inspector): Promise<number> {
  // A second collection takes what finalizers of the first let go.
  await inspector.ask('HeapProfiler.collectGarbage')
  await inspector.ask('HeapProfiler.collectGarbage')
  const usage = (await inspector.ask('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize?: number }
  return usage.usedSize + (usage.backingStorageSize ?? 0)
}
