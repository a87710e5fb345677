/** The reference page of the command line, written from its own help: docs/reference/cli.md. */
import type { Command } from 'commander'
import { exitCodes } from '#cli/exit-codes.ts'
import { createProgram } from '#cli/program.ts'
import type { Context } from '#cli/world.ts'

/** Markdown, ending in a line break. */
export function cliReference(context: Context): string {
  const commands = leavesOf(createProgram(context)).map((command) => toSection(command))
  return `${[introduction, ...commands, exitSection()].join('\n\n')}\n`
}

const introduction = `# Command line

<!-- Written by \`npm run docs\` from the commands' own help. Do not edit. -->

\`toolgate\` alone means \`toolgate serve\`. In a clone, \`npm start --\` stands for \`toolgate\`: \`npm start -- config check\`.
What was asked for is on standard output, everything else on standard error.`

function toSection(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return `## \`${nameOf(command)}\`\n\n\`\`\`text\n${text.trim()}\n\`\`\``
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

/** Commands that do something, in the order of the help. What is not in the help is not in here. */
function leavesOf(command: Command): Command[] {
  const shown = command.createHelp().visibleCommands(command)
  const own = command.commands.filter((sub) => shown.includes(sub))
  return own.flatMap((sub) => (sub.commands.length === 0 ? [sub] : leavesOf(sub)))
}

function exitSection(): string {
  const rows = Object.values(exitCodes).map(({ code, text }) => `| ${code} | ${text} |`)
  return ['## Exit codes', '', '| Code | Meaning |', '| --- | --- |', ...rows, '| 128 + n | Ended by signal n. |'].join(
    '\n',
  )
}
