/** One thing that is wrong with the configuration. No field ever holds a value of it: values may be secrets. */
export type ConfigProblem = {
  /** As the loader was given it. */
  readonly file: string
  /** Counted from 1; 0 where the problem is not at any place in the text. */
  readonly line: number
  readonly column: number
  /** Key path such as `servers.files.args[0]`; empty for the whole document. */
  readonly path: string
  readonly message: string
}

/** How many problems the message lists. `problems` has them all. */
const listedMax = 50

/** The configuration cannot be used. `message` is ready to print: one line for each problem, in the order of the text. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    super(toMessage(sorted))
    this.problems = sorted
  }
}

function toMessage(problems: readonly ConfigProblem[]): string {
  const title =
    problems.length === 1 ? 'The configuration is not valid:' : `The configuration has ${problems.length} problems:`
  const left = problems.length - listedMax
  const more = left > 0 ? [`  … and ${left} more`] : []
  return [title, ...problems.slice(0, listedMax).map((problem) => `  ${toLine(problem)}`), ...more].join('\n')
}

function toLine({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`
}
