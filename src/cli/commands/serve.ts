/** `toolgate serve` */
import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { configOption, findConfigPath } from '#cli/config-path.ts'
import type { Context, ServeRequest } from '#cli/world.ts'

type Options = {
  config?: string
  host?: string
  port?: number
  dataDir?: string
  resetAdminToken?: true
  resetAdminPassword?: true
}

const portMax = 65_535

export function addServe(program: Command, context: Context): void {
  program
    .command('serve')
    .summary('start the gateway (also without any command)')
    .description(
      paragraphs(
        'Starts the gateway and says how to reach it. With nothing configured it serves examples, or a demo.',
        'An edit of the configuration applies at once, and so does one that is written later. SIGINT and SIGTERM end the gateway after the calls under way, a second one at once.',
      ),
    )
    .addOption(configOption())
    .addOption(new Option('-p, --port <number>', 'the TCP port (0: any free one; default: 4180)').argParser(parsePort))
    .option('--host <address>', 'the address to listen on; 0.0.0.0 opens it to the network (default: 127.0.0.1)')
    .option('--data-dir <folder>', 'where data lies (default: .toolgate beside the configuration)')
    .option(
      '--reset-admin-token',
      'make a new admin token in place of the old one, and show it (a gateway that runs on the same data takes it at its next start)',
    )
    .option(
      '--reset-admin-password',
      'give the first admin a new password, and show it; who has signed in with the old one is out',
    )
    .addHelpText(
      'after',
      examples([
        ['toolgate', 'what this folder has, or examples'],
        ['toolgate serve --port 0 --data-dir /tmp/try', 'beside another one'],
        ['toolgate serve -c /etc/toolgate.yaml --host 0.0.0.0', 'for a team'],
        ['TOOLGATE_LOG_LEVEL=warn toolgate', 'say less; also trace, debug, info, error, fatal, silent'],
        ['TOOLGATE_LOG_FORMAT=json toolgate', 'log as elsewhere, not as on a terminal; also text'],
      ]),
    )
    .action((options: Options) => serve(options, context))
}

/** The lines are broken where the terminal ends. */
export function paragraphs(...texts: readonly string[]): string {
  return texts.join('\n\n')
}

export function examples(lines: readonly (readonly [command: string, meaning: string])[]): string {
  const rows = lines.map(([command, meaning]) => `  $ ${command}${meaning === '' ? '' : `\n      ${meaning}`}`)
  return `\nExamples:\n${rows.join('\n')}`
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > portMax) throw new InvalidArgumentError(`It must be 0 to ${portMax}.`)
  return Number(text)
}

async function serve(options: Options, { parts, world }: Context): Promise<void> {
  const { loadConfig } = await import('#config/load.ts')
  const { findClientConfigs } = await import('#config/client-paths.ts')
  const config = loadConfig({ path: findConfigPath(options.config), env: world.env })
  const { host, port, dataDir } = options
  const overrides: ServeRequest['overrides'] = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(dataDir === undefined ? {} : { dataPath: resolve(dataDir) }),
  }
  const clients = findClientConfigs(world.home, world.platform).map(({ client }) => client)
  const resets = {
    isAdminTokenReset: options.resetAdminToken === true,
    isAdminPasswordReset: options.resetAdminPassword === true,
  }
  await parts.serve({ config, overrides, ...resets, clients }, world)
}
