/** `toolgate vault status`, `toolgate vault rotate` and `toolgate vault forget` */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { configOption, findConfigPath } from '#cli/config-path.ts'
import { CliError } from '#cli/exit-codes.ts'
import type { Context, World } from '#cli/world.ts'
import type { ForgottenText } from '#core/vault/forget-lost.ts'
import type { StoredKey } from '#core/vault/key-store.ts'
import type { RotationWatch, SealedCount, VaultAdmin, VaultStatus } from '#core/vault/vault-admin.ts'
import { examples, paragraphs } from './serve.ts'

type Options = { config?: string; dataDir?: string; yes?: true }

export function addVault(program: Command, context: Context): void {
  const vault = program.command('vault').summary('look at the keys of stored secrets, or replace them')
  vault
    .description(
      'Looks at the keys that stored secrets are sealed with, or replaces them. A gateway may run on the same data meanwhile.',
    )
    .helpCommand(false)
  addPlace(vault.command('status'))
    .summary('show the keys, and how much is sealed under each')
    .description('Shows the data keys in the database, how old they are, and how much is sealed under each.')
    .addHelpText('after', examples([['toolgate vault status', '']]))
    .action((options: Options) => status(options, context))
  addPlace(vault.command('rotate'))
    .summary('make a new data key, and seal everything anew')
    .description(
      paragraphs(
        'Makes a new data key, seals everything anew that is stored, and deletes the old key. Nobody has to stop or notice anything.',
        'Where it was ended in the middle, the next one goes on with it.',
      ),
    )
    .addHelpText(
      'after',
      examples([
        ['toolgate vault rotate', 'of the gateway of this folder'],
        ['toolgate vault rotate -c /etc/toolgate.yaml', 'with the master key in the same place as for serve'],
      ]),
    )
    .action((options: Options) => rotate(options, context))
  addPlace(vault.command('forget'))
    .summary('go on without what a lost master key sealed')
    .description(
      paragraphs(
        'For a master key that is lost for ever. Says which data keys cannot be unwrapped, and how much is sealed under them.',
        'With --yes it deletes what cannot be opened, and puts a new data key in the place of a lost one. Stop every gateway first.',
      ),
    )
    .option('--yes', 'delete it')
    .addHelpText(
      'after',
      examples([
        ['toolgate vault forget', 'look first'],
        ['toolgate vault forget --yes', ''],
      ]),
    )
    .action((options: Options) => forget(options, context))
}

function addPlace(command: Command): Command {
  return command
    .addOption(configOption())
    .option('--data-dir <folder>', 'where data lies (default: .toolgate beside the configuration)')
}

async function open({ config: given, dataDir }: Options, { parts, world }: Context): Promise<VaultAdmin> {
  const { loadConfig } = await import('#config/load.ts')
  const config = loadConfig({ path: findConfigPath(given), env: world.env })
  return parts.openVault({ config, dataPath: dataDir === undefined ? undefined : resolve(dataDir), env: world.env })
}

async function status(options: Options, context: Context): Promise<void> {
  await using vault = await open(options, context)
  context.world.print(describeStatus(await vault.status()))
}

function describeStatus({ now, keys, counts }: VaultStatus): string {
  if (keys.length === 0) return 'There are no data keys yet: a gateway makes the first one at its next start.'
  const rows = keys.map(({ id, wrappedBy, createdAt, retiredAt }) => [
    id,
    retiredAt === null ? 'current' : 'retired',
    describeAge(now - createdAt),
    wrappedBy,
    describeCounts(counts.filter(({ keyId }) => keyId === id)),
  ])
  const older = counts.filter(({ keyId }) => keyId === null)
  return [
    ...toColumns([['KEY', 'STATE', 'AGE', 'WRAPPED BY', 'UNDER IT'], ...rows]),
    ...(older.length === 0 ? [] : ['', `Under no data key yet: ${describeCounts(older)}.`]),
    ...(older.length === 0 && keys.length === 1
      ? []
      : ['', 'Bring everything under one key with: toolgate vault rotate']),
  ].join('\n')
}

function describeCounts(counts: readonly SealedCount[]): string {
  return counts.map(({ place, count }) => `${count} ${place}`).join(', ') || 'nothing'
}

const dayMs = 86_400_000

function describeAge(ms: number): string {
  const days = Math.max(0, Math.floor(ms / dayMs))
  return days === 1 ? '1 day' : `${days} days`
}

function toColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const tellEveryMs = 1_000

async function rotate(options: Options, context: Context): Promise<void> {
  const { world } = context
  await using vault = await open(options, context)
  const end = await vault.rotate(progressTo(world))
  const { resealed, deleted, kept, unreadable } = end
  world.print(`Sealed anew: ${resealed}. Keys deleted: ${deleted.join(', ') || 'none'}.`)
  if (kept.length === 0) return
  const why =
    unreadable > 0 ? `${unreadable} texts cannot be opened and stay as they are` : 'something is still under it'
  throw new CliError('failed', `Kept: ${kept.join(', ')}, because ${why}. See: toolgate vault status`)
}

function progressTo({ print }: World): RotationWatch {
  let [total, toldAt] = [0, 0]
  return {
    onBegin({ keyId, isResumed }, count) {
      ;[total, toldAt] = [count, Date.now()]
      print(isResumed ? `Going on with the rotation to the key ${keyId}.` : `The new key is ${keyId}.`)
      print(`To be sealed anew: ${total}.`)
    },
    onProgress(count) {
      if (Date.now() - toldAt < tellEveryMs) return
      toldAt = Date.now()
      print(`${count} of ${Math.max(count, total)} …`)
    },
  }
}

async function forget(options: Options, context: Context): Promise<void> {
  const { print } = context.world
  await using vault = await open(options, context)
  if (options.yes !== true) return print(describeLost(await vault.lostKeys(), await vault.status()))
  const { deleted, kept, keys } = await vault.forget()
  print(`Keys deleted: ${keys.join(', ') || 'none'}. Deleted what could not be opened: ${describeTexts(deleted)}.`)
  if (kept.length > 0)
    throw new CliError('failed', `Kept, because something that stays needs them: ${describeTexts(kept)}.`)
}

function describeLost(lost: readonly StoredKey[], { counts }: VaultStatus): string {
  if (lost.length === 0) return 'Each data key can be unwrapped: no key is lost.'
  const lines = lost.map(({ id, wrappedBy }) => {
    const under = describeCounts(counts.filter(({ keyId }) => keyId === id))
    return `The data key ${id} cannot be unwrapped; it is wrapped by ${wrappedBy}. Under it: ${under}.`
  })
  return [...lines, '', 'If that master key is lost for ever, delete them with: toolgate vault forget --yes'].join('\n')
}

function describeTexts(texts: readonly ForgottenText[]): string {
  return texts.map(({ id }) => id).join(', ') || 'nothing'
}
