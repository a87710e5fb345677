/** Reads a request body under a size and a time limit; it counts while it reads, because Content-Length is the caller's claim. */
import type { IncomingMessage } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'

export type BodyDeps = { limits: { requestBytesMax: number; requestTimeoutMs: number }; clock: Clock }

/** Calls `done` once, with the text or the failure. Callbacks, not promises: this runs for each call. */
export function readBody(
  req: IncomingMessage,
  { limits, clock }: BodyDeps,
  done: (result: string | GatewayError) => void,
): void {
  const { requestBytesMax, requestTimeoutMs } = limits
  const bytesSaid = Number(req.headers['content-length'])
  if (bytesSaid > requestBytesMax) {
    req.resume()
    return done(new GatewayError('body_too_large', { details: { requestBytesMax } }))
  }
  const chunks: Buffer[] = []
  let bytes = 0
  let isDone = false
  const finish = (result: string | GatewayError): void => {
    if (isDone) return
    isDone = true
    cancelTimer()
    done(result)
  }
  const cancelTimer = clock.after(requestTimeoutMs, () =>
    finish(new GatewayError('body_timeout', { details: { requestTimeoutMs } })),
  )
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > requestBytesMax) {
      chunks.length = 0
      finish(new GatewayError('body_too_large', { details: { requestBytesMax } }))
    } else {
      chunks.push(chunk)
      // The parser lets no more come than was said: that it has ended is told some turns later.
      if (bytes === bytesSaid) finish(textOf(chunks))
    }
  })
  if (!(bytesSaid > 0)) req.on('end', () => finish(textOf(chunks)))
  req.on('close', () => {
    if (!isDone) finish(new GatewayError('request_cancelled'))
  })
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks
  return chunks.length === 1 && first ? first.toString() : Buffer.concat(chunks).toString()
}
