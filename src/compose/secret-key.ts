/**
 * The one secret of an installation: what seals secrets at rest, and signs bearers, is derived from it. Named in the environment, or made
 * at the first start and kept beside the data.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '#contract/errors.ts'

export type SecretKey = { current: Buffer; previous: Buffer | null }

/** Null where several replicas share what is stored. */
export function secretFolder(storage: { postgres?: unknown; redis?: unknown }, dataPath: string): string | null {
  return storage.postgres === undefined && storage.redis === undefined ? dataPath : null
}

const variable = 'TOOLGATE_SECRET_KEY'
const previousVariable = 'TOOLGATE_SECRET_KEY_PREVIOUS'
const fileName = 'secret.key'
const secretBytes = 32

/**
 * @param dataPath null where several replicas share a database: then the secret must be named
 * @throws GatewayError `config_invalid`, which never repeats the secret
 */
export function readSecretKey(env: Readonly<Record<string, string | undefined>>, dataPath: string | null): SecretKey {
  const named = env[variable]
  const previous = env[previousVariable]
  return {
    current: named === undefined ? readFile(dataPath) : decode(named, variable),
    previous: previous === undefined ? null : decode(previous, previousVariable),
  }
}

function readFile(dataPath: string | null): Buffer {
  if (dataPath === null) throw invalid(`Set ${variable}: replicas must have one secret. ${howTo}`)
  const path = join(dataPath, fileName)
  try {
    // Fails where there is one: two that start at once must not each have their own.
    writeFileSync(path, `${randomBytes(secretBytes).toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code !== 'EEXIST')
      throw invalid(`${path} cannot be written (${code}). Choose another folder for the data with --data-dir.`, error)
  }
  checkMode(path)
  return decode(read(path).trim(), path)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw invalid(`${path} cannot be read: the data in this folder may be another user’s.`, error)
  }
}

/** A copy that was put back may be everybody's to read, and with it all that it seals and signs. A group may be meant: volumes have one. */
function checkMode(path: string): void {
  // Windows has no such modes.
  if (process.getuid === undefined || (statSync(path).mode & 0o007) === 0) return
  throw invalid(`${path} is open to everybody on this machine. Close it with: chmod 600 ${path}`)
}

function decode(text: string, where: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== secretBytes || bytes.toString('base64') !== text)
    throw invalid(`${where} must hold ${secretBytes} random bytes in base64. ${howTo}`)
  return bytes
}

const howTo = 'Make one with: openssl rand -base64 32'

function invalid(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('config_invalid', { details: { reason }, cause })
}
