/** Port: HTTP to one upstream. Knows frames, not meaning. Types only. */
import type { GatewayError } from '#contract/errors.ts'

export type WireRequest = {
  method: 'POST' | 'GET' | 'DELETE'
  /** Flat list: name, value, name, value. Names are lower case. */
  headers: readonly string[]
  /** Path and query, where they are not those of the wire's own address. */
  path?: string
  body?: string | Uint8Array | null
  /** Longest silence, before the answer's head and within its body. 0: none. */
  silenceMsMax: number
}

export type WireHead = {
  status: number
  /** First value of a header, by its lower-case name. */
  header(name: string): string | undefined
}

/** What the caller of `send` gives: the answer arrives here. Exactly one of `end` and `fail` is called, last. */
export interface WireAnswer {
  head(head: WireHead): void
  /** False asks the wire to pause until `resume`. */
  chunk(bytes: Uint8Array): boolean
  end(): void
  /** `upstream_unreachable`, `upstream_closed` or `upstream_timeout`. Not called after `abort`. */
  fail(error: GatewayError): void
}

export interface WireExchange {
  resume(): void
  /** Drops the exchange and closes what it held. Nothing is called after it. */
  abort(): void
}

export interface HttpWire {
  /** Sends one request. Never follows a redirect. */
  send(request: WireRequest, answer: WireAnswer): WireExchange
  close(): Promise<void>
}
