/** How the program ends. The reference page is written from this table. */
export const exitCodes = {
  done: { code: 0, text: 'Done; `serve` and `bridge` were asked to end and did.' },
  failed: { code: 1, text: 'It failed; the reason is on standard error.' },
  usage: { code: 2, text: 'The command line is wrong: an unknown command or option, or a value that cannot be.' },
  unavailable: { code: 69, text: 'The address cannot be listened on, or the data folder not be used.' },
  config: { code: 78, text: 'The configuration is not valid; each problem is told with file, line and column.' },
} as const satisfies Record<string, { code: number; text: string }>

export type ExitKind = keyof typeof exitCodes

/** Ends the program with words for a person. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly kind: ExitKind

  constructor(kind: ExitKind, message: string) {
    super(message)
    this.kind = kind
  }
}
