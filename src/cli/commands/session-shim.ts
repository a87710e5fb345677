/** `toolgate session-shim` */
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { CliError } from '#cli/exit-codes.ts'
import type { Context, World } from '#cli/world.ts'
import { examples, paragraphs } from './serve.ts'

type Options = { socket?: string; session?: string; server?: string }

export function addSessionShim(program: Command, context: Context): void {
  program
    .command('session-shim')
    .summary('connect a harness to the servers of its session, without a token in its configuration')
    .description(
      paragraphs(
        'An MCP server over stdio for a harness that reads its configuration from a file, such as opencode. It asks the platform’s adapter over a local socket, at each request, where the session’s server is and with which token.',
        'With --session and --server it passes that server on as it is. Without them it serves a harness that is one process for many sessions: its two tools, list_tools and call_tool, are told the session.',
      ),
    )
    .addOption(
      new Option(
        '--socket <path>',
        'the adapter’s socket (default: toolgate/sessions.sock in $XDG_RUNTIME_DIR, else .toolgate/sessions.sock in your home)',
      ).env('TOOLGATE_SESSION_SOCKET'),
    )
    .option('--session <id>', 'the session')
    .option('--server <name>', 'the server')
    .addHelpText(
      'after',
      examples([
        ['toolgate session-shim --session ses_… --server github', 'one server of one session'],
        ['toolgate session-shim', 'every session of this harness'],
      ]),
    )
    .action((options: Options) => shim(options, context))
}

async function shim({ socket, session, server }: Options, { parts, world }: Context): Promise<void> {
  if ((session === undefined) !== (server === undefined))
    throw new CliError('usage', '--session and --server go together.')
  const { createAskAdapter } = await import('#cli/shim/ask-adapter.ts')
  const { runHarnessShim, runSessionShim } = await import('#cli/shim/run-shim.ts')
  const options = {
    ...(await parts.bridge()),
    input: world.stdin,
    output: world.stdout,
    until: world.untilSignalled(),
    tell: (line: string) => world.tell(`toolgate session-shim: ${line}`),
    ask: createAskAdapter(socket ?? socketPath(world)),
    version: parts.version,
  }
  const end =
    session === undefined || server === undefined
      ? await runHarnessShim(options)
      : await runSessionShim(options, { session, server })
  if (end === 'line_too_long')
    throw new CliError('failed', 'toolgate session-shim: the harness sent a line that is too long.')
}

function socketPath({ env, home }: World): string {
  const runtime = env['XDG_RUNTIME_DIR']
  return runtime === undefined || runtime === ''
    ? join(home, '.toolgate', 'sessions.sock')
    : join(runtime, 'toolgate', 'sessions.sock')
}
