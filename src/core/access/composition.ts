/** What a caller's access is made of, and the two policies that nobody writes. */
import type { Policy } from '#contract/policy.ts'
import type { Ceiling } from './ceiling.ts'

/** Where a policy comes from. A caller has one token and one user, which need no name here; so callers who are alike can share one access. */
export type Attachment = { kind: 'token' | 'user' | 'team' | 'organization' | 'agent'; name?: string | undefined }

export type AttachedPolicy = { policy: Policy; attachedTo: Attachment }

/** Policies and ceilings are never changed afterwards, only replaced: they are read when somebody first asks. */
export type Composition = {
  /** What they allow is allowed, and what they deny is denied. */
  grant: readonly AttachedPolicy[]
  /** Only what they deny counts. */
  bounds: readonly AttachedPolicy[]
  /** Another grant, within which this one is held: what that one does not give either is not given. Undefined: it stands alone. */
  within?: readonly AttachedPolicy[] | undefined
  /** What lies outside one of them is denied. */
  ceilings: readonly Ceiling[]
}

/** What is known of the servers, by their real names. An access is good for one state of it. */
export type ServerFacts = {
  /** Null for a server that is not known: then a deny of any label counts for it, and nothing else of any label does. */
  labelsOf: (server: string) => readonly string[] | null
  /** Whether every caller may call it, unless a rule denies it. */
  isForEveryone?: ((server: string) => boolean) | undefined
}

/** All that decisions depend on. */
export type AccessParts = Composition & ServerFacts

/** Of a caller who has these policies and nothing else, where no server's labels are known. */
export function partsOf(policies: readonly Policy[]): AccessParts {
  const grant = policies.map((policy): AttachedPolicy => ({ policy, attachedTo: { kind: 'token' } }))
  return { grant, bounds: [], ceilings: [], labelsOf: () => null }
}

/** Where somebody stands who may call nothing at all, not even what is for everyone. */
export const closed: Composition = { grant: [], bounds: [], ceilings: [{ name: 'something that is gone' }] }

/** In the place of a policy that is named and not there: it may have denied anything. */
export const missingPolicy: Policy = {
  name: 'a policy that is gone',
  default: 'deny',
  rules: [{ server: '*', tool: '*', level: 'deny' }],
}

/** Of an agent without policies: it may call all that is attached to it. */
export const attachmentsPolicy: Policy = { name: 'what is attached to the agent', default: 'execute', rules: [] }
