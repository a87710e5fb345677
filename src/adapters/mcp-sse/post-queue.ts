import { GatewayError } from '#contract/errors.ts'
import { createPoster, type PostTarget } from './poster.ts'

/** What may wait to be posted. One message always fits. */
const queuedBytesMax = 8 * 1024 * 1024

export interface PostQueue {
  /**
   * Resolves when the server has accepted the message, rejects with a `GatewayError`.
   * @param headers of this message alone; none of them is one that the lease has
   */
  send(text: string, headers?: readonly string[]): Promise<void>
}

/**
 * Posts one message after the other: each waits for the head of the answer to the one before it, whether that was
 * accepted or not, and for nothing more.
 */
export function createPostQueue(target: PostTarget): PostQueue {
  const post = createPoster(target)
  let tail: Promise<unknown> = Promise.resolve()
  let queuedBytes = 0

  async function postNext(body: Buffer, headers: readonly string[]): Promise<void> {
    try {
      await post(body, headers)
    } finally {
      queuedBytes -= body.byteLength
    }
  }

  return {
    send(text, headers = []) {
      if (queuedBytes > queuedBytesMax) {
        return Promise.reject(new GatewayError('upstream_closed', { details: { reason: 'backlog_full' } }))
      }
      const body = Buffer.from(text)
      queuedBytes += body.byteLength
      const posted = tail.then(() => postNext(body, headers))
      tail = posted.catch(() => {})
      return posted
    },
  }
}
