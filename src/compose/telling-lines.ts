/** What of a failing server's standard error goes into the log. */

const charsMax = 1_000

/** The end of it, without the lines of a stack trace: they push out the line that says what is wrong. */
export function tellingLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return lines.join('\n').slice(-charsMax)
}
