/** `toolgate config check` and `toolgate config explain` */
import type { Command } from 'commander'
import { configOption, findConfigPath } from '#cli/config-path.ts'
import type { Context, World } from '#cli/world.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { addImport } from './import.ts'
import { examples } from './serve.ts'

type Options = { config?: string }

export function addConfig(program: Command, context: Context): void {
  const config = program.command('config').summary('look at the configuration, or import servers into it')
  config.description('Looks at the configuration, or imports servers into it.').helpCommand(false)
  config
    .command('check')
    .summary('say whether the configuration is valid')
    .description('Says whether the configuration is valid, or everything that is wrong with it.')
    .addOption(configOption())
    .addHelpText('after', examples([['toolgate config check -c deploy/toolgate.yaml', '']]))
    .action((options: Options) => check(options, context.world))
  config
    .command('explain')
    .summary('show every value in use, and where it came from')
    .description(
      'Shows the whole configuration as YAML, defaults included, and where each value came from. Secrets are masked.',
    )
    .addOption(configOption())
    .addHelpText('after', examples([['toolgate config explain | grep limits -A 20', '']]))
    .action((options: Options) => explain(options, context.world))
  addImport(config, context)
}

async function check(options: Options, world: World): Promise<void> {
  const path = findConfigPath(options.config)
  const { loadConfig } = await import('#config/load.ts')
  const { servers, tokens, policies, secrets } = loadConfig({ path, env: world.env })
  if (path === null) return world.print('There is no toolgate.yaml here, so all defaults apply.')
  const counts = [
    count(servers, 'server', 'servers'),
    count(tokens, 'token', 'tokens'),
    count(policies, 'policy', 'policies'),
  ]
  const elsewhere = await namedElsewhere(servers, secrets)
  const note = elsewhere.length === 0 ? '' : `\nSecrets that are not below "secrets", and must be made over the API:\n`
  world.print(`${path} is valid: ${counts.join(', ')}.${note}${elsewhere.map((line) => `  ${line}`).join('\n')}`)
}

/** A mistyped name is no mistake that can be told from one that is stored. */
async function namedElsewhere(servers: LoadedConfig['servers'], secrets: LoadedConfig['secrets']): Promise<string[]> {
  const { mapSecretRefs } = await import('#contract/secret-text.ts')
  const declared = new Set(secrets.map(({ name }) => name))
  const lines: string[] = []
  for (const { name, transport } of servers)
    mapSecretRefs(transport, (secretRef, path) => {
      if (!declared.has(secretRef)) lines.push(`${secretRef}, for servers.${name}.${path}`)
      return { secretRef }
    })
  return lines
}

function count(things: readonly unknown[], one: string, many: string): string {
  return `${things.length} ${things.length === 1 ? one : many}`
}

async function explain(options: Options, world: World): Promise<void> {
  const { loadConfig } = await import('#config/load.ts')
  const { explainConfig } = await import('#config/explain.ts')
  world.print(explainConfig(loadConfig({ path: findConfigPath(options.config), env: world.env })).trimEnd())
}
