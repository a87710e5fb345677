/** The definition of `raw-stdio.mjs` for the gateway, and what its children do outside it. */
type Json = Record<string, unknown>

const program = `${import.meta.dirname}/raw-stdio.mjs`

/** @param mode see `RAW_MODE` in the program */
export function stdioServer(name: string, options: { mode?: string; env?: Record<string, string> } & Json = {}): Json {
  const { mode = '', env = {}, ...rest } = options
  const transport = { kind: 'stdio', command: process.execPath, args: [program], env: { RAW_MODE: mode, ...env } }
  return { name, isolation: 'shared', transport, ...rest }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
