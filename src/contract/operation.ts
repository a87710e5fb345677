/** One operation of the native REST API, as `operations.ts` lists them. */
import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

export type Operation = {
  /** `createTeam`: unique, and the name of its handler. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/api/v1`; `{ref}` is a resource's name or id. */
  path: string
  /** Where else it is: the same in every way. */
  otherPaths?: readonly string[]
  tag: string
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  /** Of a success. */
  status: 200 | 201 | 204
  /** Beside `unauthorized`, `rate_limited`, `internal` and `storage_unavailable`, which every one of them has. */
  errors: readonly ErrorCode[]
  /** Answers with an ETag, or takes one in If-Match. */
  precondition?: 'etag' | 'if-match'
  /** A POST that changes nothing: it is answered anew each time, whatever its Idempotency-Key. */
  isQuestion?: true
  /** Nobody needs to be known. */
  isOpen?: true
}

export function pathsOf({ path, otherPaths = [] }: Pick<Operation, 'path' | 'otherPaths'>): readonly string[] {
  return [path, ...otherPaths]
}
