/**
 * The parts of undici that a pool needs, imported one by one: the package's entry loads a browser's worth beside them (fetch, caches,
 * WebSocket, mocks), which costs every idle gateway 14 MB.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici'

  export default Pool
}

declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici'

  export default buildConnector
}

declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici'

  export default errors
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici'

  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>
}
