import { existsSync } from 'node:fs'
import { Option } from 'commander'
import { configFileName } from '#config/config-file.ts'

/** `--config`, which $TOOLGATE_CONFIG stands in for. */
export function configOption(): Option {
  return new Option('-c, --config <file>', `the configuration (default: ./${configFileName}, if there is one)`).env(
    'TOOLGATE_CONFIG',
  )
}

/** Null: there is none, and all defaults apply. */
export function findConfigPath(given: string | undefined): string | null {
  if (given !== undefined) return given
  return existsSync(configFileName) ? configFileName : null
}
