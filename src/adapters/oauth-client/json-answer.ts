/** What a server answers, as far as it is JSON. */
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { Answer } from './guarded-fetch.ts'
import { serverFailed, unavailable, type OAuthStep } from './oauth-failure.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** @returns null: this is no JSON, or no object. What it is nobody is told. */
export function readObject({ text }: Answer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}

/** @throws GatewayError `credential_unavailable` where the server says that it cannot answer now */
export function checkServerIsUp({ status }: Answer, step: OAuthStep): void {
  if (status >= 500 || status === 429 || status === 408) throw unavailable('server_unavailable', step, { status })
}

/** A member that may be left out, for which some servers write null, or nothing. @throws GatewayError of `fail` where it is another thing */
export function readText(object: JsonObject, name: string, fail: () => Error): string | null {
  const value = object[name]
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') throw fail()
  return value
}

const wordsMax = 1_000

/** A list of words, which may be left out; so many of them are kept. */
export function readWords(object: JsonObject, name: string, step: OAuthStep): string[] | null {
  const value = object[name]
  if (value === undefined || value === null) return null
  if (!isTexts(value)) throw serverFailed('invalid_metadata', step)
  return value.slice(0, wordsMax)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
