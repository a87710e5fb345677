// A gateway in small: opens a wire to `stubborn.mjs`, prints the ids it tells, and then dies as the first argument says:
// `wait` (the test kills it), `detach` (too, and the grandchild leaves the group), `exit`, `throw`, or `untold`: at once, before the watchdog has heard of the child.
import { startChild } from '#adapters/mcp-stdio/start-child.ts'
import { createStdioWire } from '#adapters/mcp-stdio/stdio-wire.ts'
import { watchdog } from '#adapters/mcp-stdio/watchdog.ts'

const how = process.argv[2]
const command = { command: process.execPath, args: [`${import.meta.dirname}/stubborn.mjs`, how], env: {} }

function tell(ids) {
  process.stdout.write(`${JSON.stringify(ids)}\n`, () => {
    // oxlint-disable-next-line unicorn/no-process-exit -- it is what is tested.
    if (how === 'exit') process.exit(0)
    if (how === 'throw') throw new Error('thrown on purpose')
  })
}

if (how === 'untold') {
  watchdog.guard()
  const env = { PATH: process.env.PATH, [watchdog.mark.name]: watchdog.mark.value }
  const child = await startChild({ ...command, env, cwd: undefined })
  child.stdout.once('data', (bytes) => {
    process.stdout.write(bytes, () => process.kill(process.pid, 'SIGKILL'))
  })
} else {
  const wire = createStdioWire({ ...command, messageBytesMax: 1000 })
  await wire.open({ headers: [], events: { message: tell, closed() {} }, signal: new AbortController().signal })
}
