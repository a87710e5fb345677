/** `toolgate token create` */
import type { Command } from 'commander'
import { CliError } from '#cli/exit-codes.ts'
import type { Context } from '#cli/world.ts'
import { ConfigError } from '#config/config-error.ts'
import { examples } from './serve.ts'

type Options = { name: string; policy?: string[]; expires?: string }

export function addToken(program: Command, context: Context): void {
  const token = program.command('token').summary('make tokens').description('Makes tokens.').helpCommand(false)
  token
    .command('create')
    .summary('make a token, and the entry for it')
    .description(
      'Makes a token, shows it once, and shows the entry to put into toolgate.yaml. The entry holds only the hash of the token.',
    )
    .requiredOption('-n, --name <name>', 'whose it is, for people and for the audit log')
    .option('-p, --policy <name>', 'a policy that it has; can be given several times', collect)
    .option('--expires <date>', 'when it ends, such as 2027-01-31')
    .addHelpText('after', examples([['toolgate token create --name ci --policy reader --expires 2027-01-31', '']]))
    .action((options: Options) => create(options, context))
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

async function create({ name, policy: policies = [], expires }: Options, { parts, world }: Context): Promise<void> {
  const { tokenEntryYaml } = await import('#config/token-entry.ts')
  const { raw, hash } = await parts.mintToken()
  const entry = { name, hash, policies, ...(expires === undefined ? {} : { expiresAt: expires }) }
  const yaml = asUsage(() => tokenEntryYaml(entry))
  world.print(
    [
      'The token. It is shown this once, so keep it now:',
      '',
      `  ${raw}`,
      '',
      'Put this into toolgate.yaml, below "tokens" where that is there already:',
      '',
      yaml.trimEnd(),
      ...(policies.length > 0 ? [] : ['', 'Without a policy this token may do nothing; name one with --policy.']),
    ].join('\n'),
  )
}

const optionNames: readonly (readonly [path: string, option: string])[] = [
  ['tokens[0].name', '--name'],
  ['tokens[0].policies', '--policy'],
  ['tokens[0].expiresAt', '--expires'],
]

/** The loader's words, about the options that they came from. */
function asUsage<Result>(make: () => Result): Result {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map(({ path, message }) => {
      const option = optionNames.find(([prefix]) => path.startsWith(prefix))?.[1] ?? path
      return `${option}: ${message}`
    })
    throw new CliError('usage', [...new Set(lines)].join('\n'))
  }
}
