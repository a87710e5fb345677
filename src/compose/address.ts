/** Where clients of this machine reach the gateway; without a slash at its end. */
export function addressOf({
  host,
  port,
  publicUrl,
}: {
  host: string
  port: number
  publicUrl: string | undefined
}): string {
  const shownHost = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return (publicUrl ?? `http://${shownHost}:${port}`).replace(/\/$/, '')
}
