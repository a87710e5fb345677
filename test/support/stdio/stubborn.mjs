// A child that nothing but SIGKILL ends: it ignores the end of its input and SIGTERM, and so does the process it starts.
// With `detach` the latter leaves the process group. Prints `{"child":pid,"grandchild":pid}` once both are in that state.
import { spawn } from 'node:child_process'

process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})
setInterval(() => {}, 60_000)

if (process.argv[2] === 'grandchild') {
  process.stdout.write('ready\n')
} else {
  process.stdin.resume()
  process.stdin.on('error', () => {})
  const grandchild = spawn(process.execPath, [import.meta.filename, 'grandchild'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: process.argv[2] === 'detach',
  })
  grandchild.stdout.once('data', () => {
    process.stdout.write(`${JSON.stringify({ child: process.pid, grandchild: grandchild.pid })}\n`)
  })
}
