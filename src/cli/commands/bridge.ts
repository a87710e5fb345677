/** `toolgate bridge` */
import { readFileSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { runBridge } from '#cli/bridge/run-bridge.ts'
import { CliError } from '#cli/exit-codes.ts'
import type { Context, World } from '#cli/world.ts'
import { isLoopbackHost } from '#contract/loopback.ts'
import { examples } from './serve.ts'

type Options = { url: string; token?: string; tokenFile?: string }

const urlDefault = 'http://127.0.0.1:4180/mcp'

export function addBridge(program: Command, context: Context): void {
  program
    .command('bridge')
    .summary('connect a client that only speaks stdio')
    .description(
      'An MCP server over stdio that passes everything on to a gateway over Streamable HTTP. A client starts it as it starts any stdio server. Only messages are on its standard output; what there is to say to a person is on standard error.',
    )
    .addOption(
      new Option('-u, --url <url>', 'the endpoint of the gateway, /mcp unless it names another')
        .env('TOOLGATE_URL')
        .default(urlDefault),
    )
    .addOption(new Option('--token-file <file>', 'a file that holds the token').conflicts('token'))
    .addOption(
      new Option('-t, --token <token>', 'the token; other users of this machine can see it').env('TOOLGATE_TOKEN'),
    )
    .addHelpText(
      'after',
      clientEntry +
        examples([['toolgate bridge --url http://127.0.0.1:4180/files/mcp --token-file ~/.toolgate-token', '']]),
    )
    .action((options: Options) => bridge(options, context))
}

const clientEntry = `
Client entry:
  {
    "mcpServers": {
      "toolgate": {
        "command": "toolgate",
        "args": ["bridge", "--url", "${urlDefault}"],
        "env": { "TOOLGATE_TOKEN": "YOUR_TOKEN" }
      }
    }
  }

In a clone, where there is no command "toolgate":
        "command": "npm",
        "args": ["--prefix", "/path/to/clone", "start", "-s", "--", "bridge"],
`

async function bridge(options: Options, { parts, world }: Context): Promise<void> {
  const url = parseUrl(options.url)
  const token = readToken(options)
  const tell = (line: string): void => world.tell(`toolgate bridge: ${line}`)
  if (token === null) tell('no token is given (--token-file or $TOOLGATE_TOKEN); the gateway will refuse')
  else if (!isPrivate(url)) tell(`the token goes to ${url.host} unencrypted; use https`)
  const end = await runBridge({ ...(await parts.bridge()), ...streamsOf(world), url: url.href, token, tell })
  if (end === 'line_too_long') throw new CliError('failed', 'toolgate bridge: the client sent a line that is too long.')
}

function streamsOf({ stdin, stdout, untilSignalled }: World) {
  return { input: stdin, output: stdout, until: untilSignalled() }
}

/** An address without a path means the endpoint of everything. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError('usage', '--url must be an http or https URL.')
  if (url.username !== '' || url.password !== '')
    throw new CliError('usage', '--url must not hold a user or a password.')
  if (url.pathname === '/') url.pathname = '/mcp'
  return url
}

function readToken({ token, tokenFile }: Options): string | null {
  const raw = tokenFile === undefined ? token : readFileSync(tokenFile, 'utf8')
  const text = raw?.trim() ?? ''
  if (text === '') return null
  // What else is there would end up in a header.
  if (!/^[\x21-\x7e]{1,1000}$/.test(text))
    throw new CliError('usage', 'The token must be one word of printable characters.')
  return text
}

function isPrivate({ protocol, hostname }: URL): boolean {
  return isLoopbackHost(hostname) || protocol === 'https:'
}
