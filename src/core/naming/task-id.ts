/** Task ids of an aggregate carry their server in front, so that two servers may use the same ids and asking after one needs no list. */

const exposedTaskId = /^([a-z0-9_-]+):(.*)$/s

/** @param server a real server name, as the contract allows it: `a-z`, `0-9`, `_` and `-` */
export function exposeTaskId(server: string, taskId: string): string {
  return `${server}:${taskId}`
}

/** The reverse, or null for an id that no aggregate exposes. Whether the server exists is the caller's question. */
export function parseExposedTaskId(exposed: string): { server: string; taskId: string } | null {
  const [, server, taskId] = exposedTaskId.exec(exposed) ?? []
  return server === undefined || taskId === undefined ? null : { server, taskId }
}
