/** A legacy session over HTTP to a server that the test plays, and all that comes of it. */
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { JsonObject, Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { openLegacyHttpSession } from '#gateway/upstream/legacy-http-session.ts'
import type { CallHooks, UpstreamCall, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from './fake-http-wire.ts'
import { leaseOf } from './leases.ts'

export class LegacyHttpLab {
  readonly clock = new FakeClock()
  readonly wire = new FakeHttpWire(legacyHttpScript({ tools: {} }, { 'tools/call': () => undefined }))
  /** What was told outside any call. */
  readonly outside: { what: string; note?: RpcNotification }[] = []
  readonly ends: (GatewayError | null)[] = []
  /** What calls were told. */
  readonly noted: RpcNotification[] = []
  /** How often a call was said to take a while. */
  waits = 0
  /** Answers what a server asks during a call. */
  ask: (question: Question) => Promise<Outcome> = async () => ({ result: { action: 'accept' } })

  /** Answers what a server asks outside any call. */
  askOutside: (question: Question) => Promise<Outcome> = async ({ method }) => ({ result: { outside: method } })

  open(): Promise<UpstreamSession> {
    const { clock, wire, outside } = this
    const lease = leaseOf(['authorization', 'Bearer upstream'])
    const options = {
      exchange: { wire, createEventReader, responseBytesMax: 100_000, lease },
      clock,
      lease,
      clientInfo: { name: 'toolgate', version: '0' },
      clientCapabilities: { elicitation: {} },
      timeoutMs: 5_000,
      timeoutTotalMs: 60_000,
      events: {
        listChanged: (kind: string) => void outside.push({ what: kind }),
        resourceUpdated: (uri: string, note: RpcNotification) => void outside.push({ what: uri, note }),
        logged: (note: RpcNotification) => void outside.push({ what: 'log', note }),
        other: (note: RpcNotification) => void outside.push({ what: 'other', note }),
        asked: (question: Question) => this.askOutside(question),
        ended: (error: GatewayError | null) => void this.ends.push(error),
      },
    }
    return openLegacyHttpSession(options, new Cancellation())
  }

  hooks(): CallHooks {
    return {
      notify: (note) => void this.noted.push(note),
      ask: (question) => this.ask(question),
      waiting: () => void this.waits++,
      cancellation: new Cancellation(),
    }
  }

  toolCall(more: Partial<UpstreamCall> = {}): UpstreamCall {
    return { method: 'tools/call', params: { name: 'a' }, headers: [], raw: null, ...more }
  }

  /** The POST of the latest call. */
  get post(): FakeExchange {
    return this.wire.last('tools/call')
  }

  /** The latest GET: the session's own stream, or a call's that is taken up again. */
  get get(): FakeExchange {
    return this.wire.last('GET')
  }

  /** The response to the latest call. */
  response(result: JsonObject): JsonObject {
    return { jsonrpc: '2.0', id: this.post.body['id'], result }
  }

  /** From now on the test answers what `isFor` chooses; the script answers the rest. */
  play(isFor: (exchange: FakeExchange) => boolean): void {
    const { script } = this.wire
    this.wire.script = (exchange) => {
      if (!isFor(exchange)) script(exchange)
    }
  }
}

export function note(method: string, params: JsonObject = {}): RpcNotification {
  return { jsonrpc: '2.0', method, params }
}
