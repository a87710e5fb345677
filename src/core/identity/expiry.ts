/** When a token ends, as people write it: `30d`, `never`, or an ISO 8601 date. */

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const

/** A hundred years: beyond it somebody means `never`, or has slipped. */
const lifetimeMsMax = 100 * unitMs.y

export type ExpiryProblem = 'not_understood' | 'in_the_past' | 'too_far'
export type Expiry = { expiresAt: number | null } | { problem: ExpiryProblem }

/**
 * `expiresAt` is Unix milliseconds, or null: never.
 *
 * - `never`
 * - a whole number and `m`, `h`, `d`, `w` or `y` (minutes … years of 365 days) from now
 * - `2027-01-31`: the end of that day in UTC, so that a token is still good on the day that it names
 * - `2027-01-31T12:00:00Z`, with its offset from UTC: that moment
 */
export function parseExpiry(text: string, now: number): Expiry {
  if (text === 'never') return { expiresAt: null }
  const expiresAt = parseLifetime(text, now) ?? parseDate(text) ?? parseMoment(text)
  if (expiresAt === null) return { problem: 'not_understood' }
  if (expiresAt <= now) return { problem: 'in_the_past' }
  return expiresAt - now > lifetimeMsMax ? { problem: 'too_far' } : { expiresAt }
}

function parseLifetime(text: string, now: number): number | null {
  const [, count, unit] = /^(\d{1,9})([mhdwy])$/.exec(text) ?? []
  if (count === undefined || !isUnit(unit)) return null
  return now + Number(count) * unitMs[unit]
}

function isUnit(text: string | undefined): text is keyof typeof unitMs {
  return text !== undefined && text in unitMs
}

function parseDate(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  return atOf(`${text}T23:59:59.999Z`, text)
}

function parseMoment(text: string): number | null {
  const moment = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/
  const [, date] = moment.exec(text) ?? []
  return date === undefined ? null : atOf(text, date)
}

/** `Date` takes February 30 for the first days of March: a date that comes back as another is none. */
function atOf(text: string, date: string): number | null {
  const day = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}
