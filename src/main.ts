/** The one composition root: the command line, and all that it hands out. What a command does not need is not loaded. */
import { homedir } from 'node:os'
import { relative } from 'node:path'
import { runCli } from '#cli/run-cli.ts'
import { untilSignalled } from '#cli/signals.ts'
import type { Parts, World } from '#cli/world.ts'
import { version } from '#compose/version.ts'

/** As it was called: from the source, or by the name that it is installed under. */
const called = process.argv[1] ?? ''
const program = toProgram(process.env['npm_lifecycle_event'] === 'start')

function toProgram(isNpmStart: boolean): string {
  if (isNpmStart) return 'npm start --'
  return called.endsWith('.ts') ? `node ${relative('', called)}` : 'toolgate'
}

const world: World = {
  env: process.env,
  home: homedir(),
  platform: process.platform,
  stdin: process.stdin,
  stdout: process.stdout,
  program,
  print: (text) => console.log(text),
  tell: (text) => console.error(text),
  untilSignalled,
}

const parts: Parts = {
  version,
  async serve(request, { env, program, print }) {
    const { serve } = await import('#compose/serve.ts')
    await serve({ ...request, env, program, print, mainPath: import.meta.filename, until: untilSignalled() })
  },
  async mintToken() {
    const { mintToken } = await import('#adapters/crypto/token-mint.ts')
    return mintToken()
  },
  async bridge() {
    const { createBridgeParts } = await import('#compose/bridge-parts.ts')
    return createBridgeParts()
  },
  async openVault(place) {
    const { openVaultAdmin } = await import('#compose/vault-admin.ts')
    return openVaultAdmin(place)
  },
  async serveDemo({ stdin, stdout }) {
    const { runDemoServer } = await import('#demo/demo-server.ts')
    await runDemoServer({ input: stdin, output: stdout }, { version, now: Date.now })
  },
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', () => undefined)
process.exitCode = await runCli(process.argv.slice(2), { parts, world })
