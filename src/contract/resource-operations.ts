/** What is done with every kind of resource, in one and the same way. */
import type { ErrorCode } from './errors.ts'
import type { Operation } from './operation.ts'
import { ListQuery } from './operation-queries.ts'
import { type ManagedKind, managedKinds } from './resource.ts'
import { MintToken, resourceBodies } from './resource-body.ts'

/** A part of an address, and the word of one and of several. */
const collections: Record<ManagedKind, { path: string; one: string; many: string }> = {
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
  secret: { path: 'secrets', one: 'Secret', many: 'Secrets' },
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
export const changeErrors: readonly ErrorCode[] = ['no_such_resource', 'forbidden', 'read_only', 'version_conflict']

/** What is done with one kind, whichever it is. */
export type ResourceVerb = 'list' | 'create' | 'get' | 'replace' | 'delete'
export type ResourceOperation = Operation & { kind: ManagedKind; verb: ResourceVerb }

function readOperations(kind: ManagedKind): ResourceOperation[] {
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

function createOperation(kind: ManagedKind): ResourceOperation {
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
    errors: kind === 'token' ? [...writeErrors, 'too_many_tokens'] : writeErrors,
    precondition: 'etag',
  }
}

function changeOperations(kind: ManagedKind): ResourceOperation[] {
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

export const resourceOperations: readonly ResourceOperation[] = managedKinds.flatMap((kind) => [
  ...readOperations(kind),
  createOperation(kind),
  ...changeOperations(kind),
])
