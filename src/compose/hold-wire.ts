/** HTTP to a server that is still on its way up: requests wait for it, and do not fail. */
import { GatewayError } from '#contract/errors.ts'
import type { HttpWire, WireExchange } from '#core/upstream/http-wire.ts'

/** @param untilUp null: it is up. A rejection means that it will not be soon. */
export function holdWire(wire: HttpWire, untilUp: () => Promise<void> | null): HttpWire {
  return {
    send(request, answer) {
      const waiting = untilUp()
      if (waiting === null) return wire.send(request, answer)
      let exchange: WireExchange | null = null
      let isAborted = false
      waiting.then(
        () => {
          if (!isAborted) exchange = wire.send(request, answer)
        },
        () => {
          if (!isAborted) answer.fail(new GatewayError('upstream_unreachable', { details: { reason: 'not_started' } }))
        },
      )
      return {
        resume: () => exchange?.resume(),
        abort() {
          isAborted = true
          exchange?.abort()
        },
      }
    },
    close: () => wire.close(),
  }
}
