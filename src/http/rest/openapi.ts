/** The operations as an OpenAPI 3.1 document. */
import { z } from 'zod'
import { errorCatalogue, type ErrorCode } from '#contract/errors.ts'
import { apiRoot } from '#contract/api-root.ts'
import { pathsOf, type Operation } from '#contract/operation.ts'
import { operations } from '#contract/operations.ts'
import { problemType } from './problem.ts'

const everywhere: readonly ErrorCode[] = ['unauthorized', 'rate_limited', 'storage_unavailable', 'internal']
const ofKeys: readonly ErrorCode[] = ['invalid_params', 'idempotency_conflict', 'outcome_unknown']
const ofBodies: readonly ErrorCode[] = [
  'parse_error',
  'body_too_deep',
  'body_too_large',
  'unsupported_media_type',
  'invalid_body',
]

/** @param version of the program */
export function toOpenApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    for (const [index, path] of pathsOf(operation).entries()) {
      const item = (paths[apiRoot + path] ??= {})
      // Each needs a name of its own: createSession, createSession2.
      const id = index === 0 ? operation.id : `${operation.id}${index + 1}`
      item[operation.method.toLowerCase()] = toPathItem({ ...operation, id, path })
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Toolgate', version, description: 'Who may do what, and everything that is decided from.' },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Problem: {
          description: 'RFC 9457',
          type: 'object',
          required: ['type', 'title', 'status', 'code', 'instance'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', enum: Object.keys(errorCatalogue) },
            instance: { type: 'string' },
          },
        },
      },
    },
  }
}

function toPathItem(operation: Operation): object {
  const { id, tag, summary, method, path, query, body, status, errors, precondition, isQuestion, isOpen } = operation
  const hasKey = method === 'POST' && !isOpen && !isQuestion
  return {
    operationId: id,
    tags: [tag],
    summary,
    parameters: [
      ...(path.includes('{ref}') ? [parameter('ref', 'path', 'A name or an id.')] : []),
      ...(precondition === 'if-match' ? [parameter('If-Match', 'header', 'The ETag of the version to change.')] : []),
      ...(hasKey ? [parameter('Idempotency-Key', 'header', 'Sent again with the same key, it is done once.')] : []),
      ...toQueryParameters(query),
    ],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: toSchema(body) } } } }),
    ...(isOpen && { security: [] }),
    responses: {
      [status]: { description: 'Done.' },
      ...toFailures([...errors, ...(method === 'GET' ? [] : ofBodies), ...(hasKey ? ofKeys : []), ...everywhere]),
    },
  }
}

function parameter(name: string, place: string, description: string): object {
  return { name, in: place, description, required: place === 'path', schema: { type: 'string' } }
}

function toQueryParameters(query: Operation['query']): object[] {
  if (!query) return []
  const { properties = {} } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))
}

function toSchema(body: z.ZodType): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(body, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  })
  return schema
}

function toFailures(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCatalogue[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.map((code) => `${code}: ${errorCatalogue[code].title}`).join(' '),
        content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}
