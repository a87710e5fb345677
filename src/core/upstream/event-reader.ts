/** Port: takes a Server-Sent-Events body apart. Types only. */
import type { GatewayError } from '#contract/errors.ts'

export type EventHandlers = {
  /** `id` is the stream position to resume from; undefined where the event has none. */
  event(data: string, id: string | undefined): void
  /** The server's wish for the delay before a reconnect, in milliseconds. */
  retry(delayMs: number): void
  /** One event was larger than allowed; nothing more is reported. */
  failed(error: GatewayError): void
}

export interface EventReader {
  push(bytes: Uint8Array): void
}

export type CreateEventReader = (handlers: EventHandlers, options: { eventBytesMax: number }) => EventReader
