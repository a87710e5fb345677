/** The command line as commander knows it. Commands load what they need when they run. */
import { Command } from 'commander'
import { addBridge } from '#cli/commands/bridge.ts'
import { addConfig } from '#cli/commands/config.ts'
import { addServe, examples } from '#cli/commands/serve.ts'
import { addSessionShim } from '#cli/commands/session-shim.ts'
import { addToken } from '#cli/commands/token.ts'
import { addVault } from '#cli/commands/vault.ts'
import type { Context } from './world.ts'

const columnsMax = 80

export function createProgram(context: Context): Command {
  const { parts, world } = context
  const program = new Command('toolgate')
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.print(text.trimEnd()),
      writeErr: (text) => world.tell(text.trimEnd()),
      getOutHelpWidth: () => columnsMax,
      getErrHelpWidth: () => columnsMax,
    })
    .showHelpAfterError('Add --help to see what there is.')
    .description('One address in front of all your MCP servers: scoped tokens, policy, audit.')
    .version(parts.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText(
      'after',
      examples([
        ['toolgate', 'start the gateway; it says how to reach it'],
        ['toolgate config import --write toolgate.yaml', 'take over the servers that your MCP clients have'],
      ]),
    )
  addServe(program, context)
  addConfig(program, context)
  addToken(program, context)
  addVault(program, context)
  addBridge(program, context)
  addSessionShim(program, context)
  program.command('demo-server', { hidden: true }).action(() => parts.serveDemo(world))
  return program
}
