/** Every Node that knows modules reads the entry, and says what to do instead. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const pretended =
  'Object.defineProperty(process, "versions", { value: { node: "20.1.0" } });' +
  'Object.defineProperty(process, "version", { value: "v20.1.0" })'

it('says that Node is too old, and how this clone is started with its own', async () => {
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(pretended)}`,
    `${root}/bin/toolgate.js`,
    'bridge',
  ]
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((done) =>
    execFile(process.execPath, args, (error, _stdout, stderr) => done({ code: error?.code, stderr })),
  )
  expect(code).toBe(1)
  expect(stderr).toBe(
    `Toolgate needs Node.js 24.15 or newer; this is v20.1.0.\nA clone brings its own with npm ci: npm --prefix ${root} start -s -- bridge\n`,
  )
})
