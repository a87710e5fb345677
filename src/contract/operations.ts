/**
 * Every operation of the native REST API, under `/api/v1`: one table from which the routes, the OpenAPI document and the reference page are
 * made.
 */
import { z } from 'zod'
import { DryRun } from './dry-run.ts'
import type { Operation } from './operation.ts'
import { AuditQuery, ExplainQuery } from './operation-queries.ts'
import { RotateToken, SetPassword } from './resource-body.ts'
import { changeErrors, resourceOperations } from './resource-operations.ts'
import { ManagedResource, Role, RunAction } from './role-binding.ts'
import { connectionOperations } from './connection-operations.ts'
import { sessionOperations } from './session-operations.ts'

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
    name: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe(
        'Of `create` what the new one would be called; of `create` and sessions the agent of which it would be.',
      ),
    action: RunAction.optional(),
    server: z.string().min(1).max(128).optional(),
    tool: z.string().min(1).max(256).optional(),
    args: z
      .record(z.string(), z.json())
      .optional()
      .describe('Of a call. Without them it is answered for as far as that can be said.'),
  })
  .meta({ id: 'CanI', description: 'role and resource; or action; or server and tool, and args.' })
export type CanI = z.infer<typeof CanI>

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
    errors: [
      ...changeErrors,
      'invalid_body',
      'token_inactive',
      'too_many_tokens',
      'exceeds_creator',
      'person_required',
    ],
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
    isQuestion: true,
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
    isQuestion: true,
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
  ...sessionOperations,
  ...connectionOperations,
  {
    id: 'dryRun',
    method: 'POST',
    path: '/access/dry-run',
    tag: 'access',
    summary: 'Which recorded calls would end otherwise under a proposed policy; nothing is changed',
    body: DryRun,
    status: 200,
    errors: ['forbidden', 'invalid_body', 'dangling_reference'],
    isQuestion: true,
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
