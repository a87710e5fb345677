/**
 * Every operation of the native REST API, under `/api/v1`: one table from which the routes, the OpenAPI document and the reference page are
 * made.
 */
import { z } from 'zod'
import { DryRun } from './dry-run.ts'
import type { ErrorCode } from './errors.ts'
import { MintToken, resourceBodies, RotateToken, SetPassword } from './resource-body.ts'
import { CreateSession, ListSessions, RefreshToken, RenewSession, ReportSession } from './session.ts'
import { type ResourceKind, resourceKinds } from './resource.ts'
import { ManagedResource, Role, RunAction } from './role-binding.ts'

export type Operation = {
  /** `createTeam`: unique, and the name of its handler. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/api/v1`; `{ref}` is a resource's name or id. */
  path: string
  tag: string
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  /** Of a success. */
  status: 200 | 201 | 204
  /** Beside `unauthorized`, `internal` and `storage_unavailable`, which every one of them has. */
  errors: readonly ErrorCode[]
  /** Answers with an ETag, or takes one in If-Match. */
  precondition?: 'etag' | 'if-match'
  /** Nobody needs to be known. */
  isOpen?: true
}

const resourcesPerPageMax = 500

/** A name of a label and its value, `env=prod`, and more of them after commas. */
const LabelSelector = z
  .string()
  .max(2_000)
  .regex(/^[^=,]+=[^=,]*(?:,[^=,]+=[^=,]*)*$/, 'must be like env=prod,tier=web')

export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(resourcesPerPageMax).default(100).describe('Resources on one page.'),
  cursor: z.string().max(512).optional().describe('The `next` of the page before.'),
  labels: LabelSelector.optional().describe('Only those with all of these labels.'),
  references: z
    .string()
    .max(200)
    .regex(/^[a-z_]+:[\x21-\x7e]+$/, 'must be like project:web')
    .optional()
    .describe('Only those that name this resource, such as `user:ann` for her tokens.'),
})
export type ListQuery = z.infer<typeof ListQuery>

/** A part of an address, and the word of one and of several. */
const collections: Record<ResourceKind, { path: string; one: string; many: string }> = {
  organization: { path: 'organizations', one: 'Organization', many: 'Organizations' },
  team: { path: 'teams', one: 'Team', many: 'Teams' },
  user: { path: 'users', one: 'User', many: 'Users' },
  policy: { path: 'policies', one: 'Policy', many: 'Policies' },
  server: { path: 'servers', one: 'Server', many: 'Servers' },
  toolset: { path: 'toolsets', one: 'Toolset', many: 'Toolsets' },
  project: { path: 'projects', one: 'Project', many: 'Projects' },
  agent: { path: 'agents', one: 'Agent', many: 'Agents' },
  token: { path: 'tokens', one: 'Token', many: 'Tokens' },
  role_binding: { path: 'role-bindings', one: 'RoleBinding', many: 'RoleBindings' },
}

const writeErrors: readonly ErrorCode[] = [
  'forbidden',
  'invalid_body',
  'dangling_reference',
  'exceeds_creator',
  'already_exists',
  'last_admin',
  'person_required',
]
const changeErrors: readonly ErrorCode[] = ['no_such_resource', 'forbidden', 'read_only', 'version_conflict']

const sessionErrors: readonly ErrorCode[] = [
  'no_such_resource',
  'forbidden',
  'invalid_body',
  'wrong_status',
  'too_many_sessions',
]

/** What is done with one kind, whichever it is. */
export type ResourceVerb = 'list' | 'create' | 'get' | 'replace' | 'delete'
export type ResourceOperation = Operation & { kind: ResourceKind; verb: ResourceVerb }

function readOperations(kind: ResourceKind): ResourceOperation[] {
  const { path, one, many } = collections[kind]
  return [
    {
      kind,
      tag: path,
      verb: 'list',
      id: `list${many}`,
      method: 'GET',
      path: `/${path}`,
      summary: `${many} that you may see, in the order of their names`,
      query: ListQuery,
      status: 200,
      errors: ['invalid_params'],
    },
    {
      kind,
      tag: path,
      verb: 'get',
      id: `get${one}`,
      method: 'GET',
      path: `/${path}/{ref}`,
      summary: 'By name or id',
      status: 200,
      errors: ['no_such_resource'],
      precondition: 'etag',
    },
  ]
}

function createOperation(kind: ResourceKind): ResourceOperation {
  const { path, one } = collections[kind]
  return {
    kind,
    tag: path,
    verb: 'create',
    id: `create${one}`,
    method: 'POST',
    path: `/${path}`,
    summary: kind === 'token' ? 'Make a token; its secret is in this answer only' : 'Make one',
    body: kind === 'token' ? MintToken : resourceBodies[kind],
    status: 201,
    errors: writeErrors,
    precondition: 'etag',
  }
}

function changeOperations(kind: ResourceKind): ResourceOperation[] {
  const { path, one } = collections[kind]
  return [
    {
      kind,
      tag: path,
      verb: 'replace',
      id: `replace${one}`,
      method: 'PUT',
      path: `/${path}/{ref}`,
      summary: 'Replace all of it; with If-Match only the version that you have seen',
      body: resourceBodies[kind],
      status: 200,
      errors: [...changeErrors, ...writeErrors],
      precondition: 'if-match',
    },
    {
      kind,
      tag: path,
      verb: 'delete',
      id: `delete${one}`,
      method: 'DELETE',
      path: `/${path}/{ref}`,
      summary: 'Delete it, with what must go with it',
      status: 204,
      errors: [...changeErrors, 'still_referenced', 'last_admin'],
      precondition: 'if-match',
    },
  ]
}

export const resourceOperations: readonly ResourceOperation[] = resourceKinds.flatMap((kind) => [
  ...readOperations(kind),
  createOperation(kind),
  ...changeOperations(kind),
])

export const Introspect = z
  .strictObject({ token: z.string().min(1).max(512).describe('The bearer that is asked about.') })
  .meta({ id: 'Introspect' })

export const SignIn = z
  .strictObject({ user: z.string().min(1).max(100), password: z.string().min(1).max(256) })
  .meta({ id: 'SignIn', description: 'A person’s name and password.' })

export const CanI = z
  .strictObject({
    role: Role.optional(),
    resource: ManagedResource.optional(),
    name: z.string().min(1).max(128).optional(),
    action: RunAction.optional(),
    server: z.string().min(1).max(128).optional(),
    tool: z.string().min(1).max(256).optional(),
  })
  .meta({ id: 'CanI', description: 'role and resource; or action; or server and tool.' })
export type CanI = z.infer<typeof CanI>

export const ExplainQuery = z.strictObject({
  token: z.string().min(1).max(128).optional().describe('Name or id of the token. Default: your own.'),
  server: z.string().min(1).max(128).describe('Name or id of the server.'),
  tool: z.string().min(1).max(256).optional().describe('Its own name at its server. Default: what is no tool.'),
})

const AuditText = z.string().min(1).max(512)
const AuditTime = z.coerce.number().int().min(0)

export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Events on one page.'),
  before: z.coerce.number().int().min(0).optional().describe('The `next` of the page before.'),
  kind: z
    .enum(['call', 'session_end', 'refusal', 'auth_failure', 'config_change', 'resource_change'])
    .optional()
    .describe('What was recorded.'),
  tokenId: AuditText.optional(),
  tokenName: AuditText.optional(),
  server: AuditText.optional(),
  target: AuditText.optional().describe('The tool’s own name; of a change the resource’s.'),
  method: AuditText.optional(),
  effect: z.enum(['allow', 'deny']).optional(),
  outcome: AuditText.optional().describe('`ok`, or a code of the error catalogue.'),
  requestId: AuditText.optional(),
  since: AuditTime.optional().describe('Unix time in milliseconds: at or after.'),
  until: AuditTime.optional().describe('Before.'),
})
export type AuditQuery = z.infer<typeof AuditQuery>

/** Those that are about no one kind, or about one in a way of its own. */
export const specialOperations = [
  {
    id: 'revokeToken',
    method: 'POST',
    path: '/tokens/{ref}/revoke',
    tag: 'tokens',
    summary: 'End a token at once and for ever; it stays in lists',
    status: 200,
    errors: changeErrors,
    precondition: 'if-match',
  },
  {
    id: 'rotateToken',
    method: 'POST',
    path: '/tokens/{ref}/rotate',
    tag: 'tokens',
    summary: 'A new secret, with the old one valid beside it for a while',
    body: RotateToken,
    status: 201,
    errors: [...changeErrors, 'invalid_body', 'token_inactive', 'exceeds_creator', 'person_required'],
    precondition: 'if-match',
  },
  {
    id: 'introspectToken',
    method: 'POST',
    path: '/tokens/introspect',
    tag: 'tokens',
    summary: 'Whether a token is good, and for what (RFC 7662)',
    body: Introspect,
    status: 200,
    errors: ['invalid_body'],
  },
  {
    id: 'setPassword',
    method: 'PUT',
    path: '/users/{ref}/password',
    tag: 'users',
    summary: 'Set a person’s password',
    body: SetPassword,
    status: 204,
    errors: [...changeErrors, 'invalid_body'],
  },
  {
    id: 'signIn',
    method: 'POST',
    path: '/sign-in',
    tag: 'access',
    summary: 'A short-lived bearer for a person, for this API alone',
    body: SignIn,
    status: 201,
    errors: ['invalid_body', 'rate_limited'],
    isOpen: true,
  },
  {
    id: 'whoAmI',
    method: 'GET',
    path: '/whoami',
    tag: 'access',
    summary: 'Who you are, and what you may manage',
    status: 200,
    errors: [],
  },
  {
    id: 'canI',
    method: 'POST',
    path: '/access/can-i',
    tag: 'access',
    summary: 'Whether you may do something',
    body: CanI,
    status: 200,
    errors: ['invalid_body'],
  },
  {
    id: 'explainAccess',
    method: 'GET',
    path: '/access/explain',
    tag: 'access',
    summary: 'Why a token may, or may not, call a tool: every rule, bound and ceiling on the way',
    query: ExplainQuery,
    status: 200,
    errors: ['no_such_resource', 'invalid_params'],
  },
  {
    id: 'createSession',
    method: 'POST',
    path: '/sessions',
    tag: 'sessions',
    summary: 'Start a session of an agent; its tokens are in this answer only',
    body: CreateSession,
    status: 201,
    errors: sessionErrors,
  },
  {
    id: 'startAgentSession',
    method: 'POST',
    path: '/managed_agents/agents/{ref}/session',
    tag: 'sessions',
    summary: 'The same, by the agent’s address',
    body: CreateSession.omit({ agent: true }),
    status: 201,
    errors: sessionErrors,
  },
  {
    id: 'listSessions',
    method: 'GET',
    path: '/sessions',
    tag: 'sessions',
    summary: 'Sessions that you may see, the newest first',
    query: ListSessions,
    status: 200,
    errors: ['invalid_body'],
  },
  {
    id: 'getSession',
    method: 'GET',
    path: '/sessions/{ref}',
    tag: 'sessions',
    summary: 'By id',
    status: 200,
    errors: ['no_such_resource'],
  },
  {
    id: 'listSessionEvents',
    method: 'GET',
    path: '/sessions/{ref}/events',
    tag: 'sessions',
    summary: 'What happened to it; the last thousand events, in their order',
    status: 200,
    errors: ['no_such_resource'],
  },
  {
    id: 'restartSession',
    method: 'POST',
    path: '/sessions/{ref}/restart',
    tag: 'sessions',
    summary: 'A new life, whatever became of the last; earlier tokens open nothing',
    body: RenewSession,
    status: 200,
    errors: sessionErrors,
  },
  {
    id: 'recoverSession',
    method: 'POST',
    path: '/sessions/{ref}/recover',
    tag: 'sessions',
    summary: 'Go on with another harness',
    body: RenewSession,
    status: 200,
    errors: sessionErrors,
  },
  {
    id: 'reportSession',
    method: 'POST',
    path: '/sessions/{ref}/report',
    tag: 'sessions',
    summary: 'Say that the harness runs, or why it does not',
    body: ReportSession,
    status: 200,
    errors: sessionErrors,
  },
  {
    id: 'endSession',
    method: 'DELETE',
    path: '/sessions/{ref}',
    tag: 'sessions',
    summary: 'From now on its tokens open nothing',
    status: 200,
    errors: ['no_such_resource', 'forbidden'],
  },
  {
    id: 'refreshSessionToken',
    method: 'POST',
    path: '/agent-auth/refresh',
    tag: 'sessions',
    summary: 'A short-lived access token for a refresh token',
    body: RefreshToken,
    status: 200,
    errors: ['invalid_body'],
    isOpen: true,
  },
  {
    id: 'dryRun',
    method: 'POST',
    path: '/access/dry-run',
    tag: 'access',
    summary: 'Which recorded calls would end otherwise under a proposed policy; nothing is changed',
    body: DryRun,
    status: 200,
    errors: ['forbidden', 'invalid_body', 'dangling_reference'],
  },
  {
    id: 'readAudit',
    method: 'GET',
    path: '/audit',
    tag: 'audit',
    summary: 'What was recorded, the newest first; a page may be short and still have a next one',
    query: AuditQuery,
    status: 200,
    errors: ['forbidden', 'invalid_params'],
  },
] as const satisfies readonly Operation[]

export type SpecialOperationId = (typeof specialOperations)[number]['id']

export const operations: readonly Operation[] = [...specialOperations, ...resourceOperations]
