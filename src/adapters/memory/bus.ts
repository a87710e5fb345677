/** A Bus within one process. */
import { decodeBusMessage, encodeBusMessage } from '#core/bus/bus-message.ts'
import type { Bus, BusListener } from '#core/bus/bus.ts'

export function createMemoryBus(): Bus {
  const topics = new Map<string, Set<BusListener>>()
  const tell = (topic: string, listener: BusListener, task: () => void): void =>
    queueMicrotask(() => {
      if (topics.get(topic)?.has(listener)) swallow(task)
    })
  return {
    publish(topic, message) {
      const text = encodeBusMessage(message)
      const listeners = topics.get(topic) ?? new Set()
      for (const listener of listeners) tell(topic, listener, () => listener.onMessage(decodeBusMessage(text) ?? {}))
      return Promise.resolve(listeners.size > 0)
    },
    subscribe(topic, given) {
      // One object for each subscription: the same listener may be handed in twice.
      const listener: BusListener = {
        onMessage: (message) => given.onMessage(message),
        onGap: () => given.onGap(),
      }
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners.add(listener))
      tell(topic, listener, () => listener.onGap())
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic)
      }
    },
  }
}

/** What one listener does wrong must not keep the others from hearing. */
function swallow(task: () => void): void {
  try {
    task()
  } catch {
    // A defect of the listener's.
  }
}
