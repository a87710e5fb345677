/** The one composition root. */
import { loadConfig } from '#config/load.ts'
import { serve } from '#compose/serve.ts'

const at = process.argv.indexOf('--config')
const path = at === -1 ? null : (process.argv[at + 1] ?? null)
const until = new Promise<void>((resolve) => {
  process.once('SIGINT', resolve)
  process.once('SIGTERM', resolve)
})
await serve({
  config: loadConfig({ path, env: process.env }),
  env: process.env,
  isAdminTokenReset: process.argv.includes('--reset-admin-token'),
  until,
  print: (text) => console.log(text),
})
