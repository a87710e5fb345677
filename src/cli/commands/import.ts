/** `toolgate config import` */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CliError } from '#cli/exit-codes.ts'
import type { Imported } from '#cli/import-sources.ts'
import type { Context, World } from '#cli/world.ts'
import { examples, paragraphs } from './serve.ts'

type Options = { from?: string; write?: string }

export function addImport(config: Command, context: Context): void {
  config
    .command('import')
    .summary('take over the servers that MCP clients have')
    .description(
      paragraphs(
        'Reads the servers from the configuration of MCP clients (Claude Desktop, Claude Code, Cursor, Windsurf, VS Code) and shows them as YAML, or puts them into a configuration of Toolgate.',
        'A server that is there already is never changed, and neither are comments. The files of the clients are only read.',
      ),
    )
    .option('-f, --from <file>', 'the file of one client (default: all that are found)')
    .option('-w, --write <file>', 'put the servers into this configuration')
    .addHelpText(
      'after',
      examples([
        ['toolgate config import', 'look first: nothing is written'],
        ['toolgate config import --write toolgate.yaml', ''],
        ['toolgate config import --from .mcp.json > toolgate.yaml', ''],
      ]),
    )
    .action((options: Options) => importServers(options, context.world))
}

async function importServers({ from, write }: Options, world: World): Promise<void> {
  const { findSources, importSources, narrowImported } = await import('#cli/import-sources.ts')
  const sources = from === undefined ? findSources(world.home, world.platform) : [{ client: '', path: from }]
  if (sources.length === 0) {
    throw new CliError('failed', 'No configuration of an MCP client was found on this machine. Name one with --from.')
  }
  const imported = importSources(sources)
  for (const { source, notes } of imported.read) {
    world.tell(`Read ${source.path}${source.client === '' ? '' : ` (${source.client})`}`)
    for (const note of notes) world.tell(`  ${note}`)
  }
  if (Object.keys(imported.servers).length === 0) throw new CliError('failed', 'There are no servers to import.')
  const { addServers, serversYaml } = await import('#config/add-servers.ts')
  if (write === undefined) {
    world.print(serversYaml(imported.servers).trimEnd())
    return tellNeeds(imported, world)
  }
  const before = existsSync(write) ? readFileSync(write, 'utf8') : ''
  const { text, added, kept } = addServers(before, imported.servers, write)
  // It may hold secrets, so a new file is for its owner only.
  if (added.length > 0) writeFileSync(write, text, { mode: 0o600 })
  tellWritten(world, { file: write, added, kept })
  tellNeeds(narrowImported(imported, added), world)
}

function tellNeeds(imported: Imported, world: World): void {
  tellVariables(imported, world)
  tellSecrets(imported, world)
}

function tellWritten(world: World, done: { file: string; added: readonly string[]; kept: readonly string[] }): void {
  const { file, added, kept } = done
  world.tell('')
  world.tell(added.length === 0 ? `Nothing new for ${file}.` : `Added to ${file}: ${added.join(', ')}`)
  if (kept.length > 0) world.tell(`There already, and left as they are: ${kept.join(', ')}`)
}

function tellVariables({ variables }: Imported, world: World): void {
  const unset = variables.filter((name) => world.env[name] === undefined)
  if (unset.length === 0) return
  world.tell(`\nThese variables are named, and not set here. Toolgate needs them to start:\n`)
  for (const name of unset) world.tell(`  ${name}`)
}

function tellSecrets({ secretPaths }: Imported, world: World): void {
  if (secretPaths.length === 0) return
  const width = Math.max(...secretPaths.map((path) => path.length))
  world.tell('\nThese values look like secrets. Better set a variable where Toolgate starts,')
  world.tell('and write its name in place of the secret:\n')
  for (const path of secretPaths) world.tell(`  ${path.padEnd(width)}  \${${variableFor(path)}}`)
}

/** `servers.github.env.TOKEN` is TOKEN already; of the rest the server's name is a part. */
function variableFor(path: string): string {
  const [, server = '', ...rest] = path.split(/[.[\]]+/).filter((part) => part !== '')
  const own = rest[0] === 'env' ? rest.slice(1) : [server, ...(rest[0] === 'headers' ? rest.slice(1) : rest)]
  return own
    .join('_')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
}
