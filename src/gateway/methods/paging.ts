/** Cursors of the gateway's own lists: a client treats them as opaque, and any other text is refused. */
import { GatewayError } from '#contract/errors.ts'

export const pageItemsMax = 1_000
const cursorForm = /^tg([0-9]{1,9})$/

export function toCursor(start: number): string {
  return `tg${start}`
}

/** @throws GatewayError `invalid_params` */
export function readCursor(cursor: unknown): number {
  if (cursor === undefined) return 0
  const digits = typeof cursor === 'string' ? cursorForm.exec(cursor)?.[1] : undefined
  if (digits === undefined) throw badCursor()
  return Number(digits)
}

export function badCursor(): GatewayError {
  return new GatewayError('invalid_params', { details: { reason: 'the cursor is not one of ours' } })
}
