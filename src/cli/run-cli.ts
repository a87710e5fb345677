/** From the words of the command line to an exit code. */
import { CommanderError } from 'commander'
import { exitCodes } from './exit-codes.ts'
import { toFailure } from './failure.ts'
import { createProgram } from './program.ts'
import type { Context } from './world.ts'

/** @param args without the program itself. @returns the exit code */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  try {
    await createProgram(context).parseAsync(withCommand(args), { from: 'user' })
    return exitCodes.done.code
  } catch (error) {
    // Its words, and those of --help, are out already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done.code : exitCodes.usage.code
    const { kind, text } = toFailure(error, context.world.program)
    context.world.tell(text)
    return exitCodes[kind].code
  }
}

const answeredByProgram = new Set(['-h', '--help', '-V', '--version'])

/** `toolgate` alone, and `toolgate --port 1`, mean `serve`. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args
  const isServe = first === undefined || (first.startsWith('-') && !answeredByProgram.has(first))
  return isServe ? ['serve', ...args] : [...args]
}
