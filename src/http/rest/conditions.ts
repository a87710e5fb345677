/** Versions as entity tags (RFC 9110 §8.8.3, §13.1.1), and cursors that say nothing to those who read them. */
import { GatewayError } from '#contract/errors.ts'

export function toEtag(version: number): string {
  return `"${version}"`
}

/**
 * The version that a change is for; null where the caller did not say or said `*`: whatever it is. A weak tag, or several, is no version.
 * @throws GatewayError `version_conflict`
 */
export function readIfMatch(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1]
  if (version === undefined)
    throw new GatewayError('version_conflict', { details: { reason: 'If-Match names no version' } })
  return Number(version)
}

export function toCursor(name: string): string {
  return Buffer.from(name).toString('base64url')
}

const nameCharsMax = 128

/** @throws GatewayError `invalid_params` */
export function readCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString()
  if (name === '' || name.length > nameCharsMax || toCursor(name) !== cursor)
    throw new GatewayError('invalid_params', { details: { reason: 'cursor is not one that a page has given' } })
  return name
}
