import { PassThrough } from 'node:stream'
import { apiReference } from './api-reference.ts'
import { configReference } from './config-reference.ts'
import { cliReference } from './cli-reference.ts'
import { deletesReference } from './deletes-reference.ts'
import { errorReference } from './error-reference.ts'

/** The pages of docs/reference by file name. The same for the same code. */
export function referencePages(): Record<string, string> {
  return {
    'api.md': apiReference(),
    'cli.md': cliReference(context()),
    'config.md': configReference(),
    'deletes.md': deletesReference(),
    'errors.md': errorReference(),
  }
}

/** Help is asked for, and nothing is run. */
function context(): Parameters<typeof cliReference>[0] {
  const nothing = () => Promise.reject(new Error('no command runs here'))
  const parts = {
    version: '',
    serve: nothing,
    mintToken: nothing,
    bridge: nothing,
    openVault: nothing,
    serveDemo: nothing,
  }
  const world = {
    env: {},
    home: '',
    platform: 'linux',
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    program: 'toolgate',
    print: () => undefined,
    tell: () => undefined,
    untilSignalled: () => Promise.resolve(),
  }
  return { parts, world }
}
