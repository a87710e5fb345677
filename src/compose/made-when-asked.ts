/** What is reached over HTTP and most gateways are never asked for: loaded with the first request. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export type Site = { handle(req: IncomingMessage, res: ServerResponse): void }

export type MadeWhenAsked<Made> = Site & {
  /** Null: nobody has asked, or it cannot be made. */
  made: () => Promise<Made | null>
}

export function madeWhenAsked<Made extends Site>(
  make: () => Promise<Made>,
  onError: (error: unknown, requestId: string) => void,
): MadeWhenAsked<Made> {
  let making: Promise<Made> | undefined
  return {
    made: async () => (await making?.catch(() => null)) ?? null,
    handle(req, res) {
      making ??= make()
      making.then(
        (site) => site.handle(req, res),
        (error: unknown) => {
          onError(error, '')
          res.writeHead(500).end()
        },
      )
    },
  }
}
