/** Port: the record of what people and tokens change. Types only. */
import type { ResourceKind } from '#contract/resource.ts'

export type ChangeAction =
  | 'create'
  | 'update'
  | 'delete'
  | 'mint'
  | 'rotate'
  | 'revoke'
  | 'set_password'
  | 'sign_in'
  | 'refresh'
  | 'bootstrap'
  | 'restart'
  | 'recover'
  | 'end'
  | 'connect'
  | 'set_key'
  | 'set_variables'

/** One thing that was done, or that somebody tried to do. No value of a resource is in it, and no secret. */
export type ChangeEvent = {
  /** Unix time in milliseconds. */
  at: number
  /** Of the HTTP request; empty where there was none. */
  requestId: string
  /** Whose rights it was done with; empty texts where nobody was identified. */
  actor: {
    kind: 'user' | 'token' | 'agent' | 'system' | 'nobody'
    id: string
    name: string
    /** Of a token: whose it is, and its digest. */
    token?: { holder: { kind: 'user' | 'team'; id: string }; digest: string }
  }
  /** For whom the actor says it did it: a header's text, believed by nobody, or empty. */
  changedBy: string
  action: ChangeAction
  /** `id` is empty where it never came to be; `name` is what it is called, or what was asked for. */
  resource: { kind: ResourceKind | 'session'; id: string; name: string }
  /** The members that an update changed, by name, never their values. */
  changed: readonly string[]
  /** `ok`, or the code of the catalogue with which it was refused. */
  outcome: string
  /** Why it was refused, in a word of ours, where the code leaves that open. */
  reason?: string
}

export interface ChangeLog {
  /** Takes the event and returns at once. */
  append(event: ChangeEvent): void
}
