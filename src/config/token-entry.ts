/** An entry for `tokens:` of toolgate.yaml. */
import { stringify } from 'yaml'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'

export type TokenEntry = {
  readonly name: string
  /** Lower-case hex SHA-256 of the token. */
  readonly hash: string
  readonly policies: readonly string[]
  readonly expiresAt?: string
}

/** Throws ConfigError, in the loader's own words, where the loader would refuse it. Whether the policies exist is not asked. */
export function tokenEntryYaml({ name, hash, policies, expiresAt }: TokenEntry): string {
  const expiry = expiresAt === undefined ? {} : { expiresAt }
  const entry = { name, hash: `sha256:${hash}`, policies, ...expiry }
  const text = stringify({ tokens: [entry] }, { lineWidth: 0 })
  const known = Object.fromEntries(policies.map((policy) => [policy, {}]))
  check(stringify({ tokens: [entry], policies: known }, { lineWidth: 0 }))
  return text
}

function check(text: string): void {
  try {
    loadConfig({ path: null, text, env: {} })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // There is no file in which a line could be looked up.
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, file: 'token', line: 0, column: 0 })))
  }
}
