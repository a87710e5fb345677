/** Asks the management API for what it must refuse, and finds what is not refused as it should be, or has left something behind. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import type { Operation } from '#contract/operation.ts'
import { operations } from '#contract/operations.ts'
import { startManagedGateway, type ApiAnswer, type ManagedGateway } from './management.ts'
import { prepareExamples, type Example } from './management-examples.ts'

export const writing: readonly Operation[] = operations.filter(({ method }) => method === 'POST' || method === 'PUT')

type Request = { ref?: string; body?: unknown; headers?: Record<string, string> }

export type Refused = Request & {
  what: string
  /** `422 invalid_body` */
  ends: string
}

export class ManagementSweep implements AsyncDisposable {
  readonly gateway: ManagedGateway
  /** By the operation's id. */
  readonly examples: Readonly<Record<string, Example>>
  readonly #documented: ReadonlyMap<string, ReadonlySet<string>>

  private constructor(parts: { gateway: ManagedGateway; examples: Record<string, Example>; document: Document }) {
    this.gateway = parts.gateway
    this.examples = parts.examples
    this.#documented = endingsIn(parts.document)
  }

  static async start(): Promise<ManagementSweep> {
    const limits = { managementRequestsPerMinuteMax: 1_000_000 }
    const gateway = await startManagedGateway({ servers: {}, limits })
    const examples = await prepareExamples(gateway)
    const { body } = await gateway.api('GET', '/openapi.json')
    return new ManagementSweep({ gateway, examples, document: body as unknown as Document })
  }

  /** A request of this operation that is taken; one that names a resource names one that is there. */
  exampleOf({ id }: Pick<Operation, 'id'>): { ref: string; body: Record<string, unknown> } {
    return { ref: '', body: {}, ...this.examples[id] }
  }

  ask({ method, path, isOpen }: Operation, { ref = '', body, headers = {} }: Request): Promise<ApiAnswer> {
    const whose = isOpen ? { bearer: null } : {}
    const what = body === undefined ? {} : { body }
    return this.gateway.api(method, path.replace('{ref}', ref), { ...whose, ...what, headers })
  }

  /** Asks all of it, with the example's resource and body where it says no others. @returns what did not end as it should */
  async misses(operation: Operation, some: readonly Refused[]): Promise<string[]> {
    const before = this.#everything()
    const wrong: string[] = []
    for (const { what, ends, ...request } of some) {
      const answer = await this.ask(operation, { ...this.exampleOf(operation), ...request })
      const problem = this.#whatIsWrong(operation, { answer, ends })
      if (problem !== null) wrong.push(`${what}: ${problem}`)
    }
    return this.#everything() === before ? wrong : [...wrong, 'something was written']
  }

  #whatIsWrong({ id }: Operation, { answer, ends }: { answer: ApiAnswer; ends: string }): string | null {
    const ended = `${answer.status} ${String(answer.body['code'])}`
    if (ended !== ends) return `${ended}, and not ${ends}`
    if (this.#documented.get(id)?.has(ended) !== true) return `${ended} is not documented`
    return isProblem(answer) ? null : JSON.stringify(answer.body)
  }

  /** All that managing changes. */
  #everything(): string {
    const database = new DatabaseSync(join(this.gateway.folder, '.toolgate', 'toolgate.db'), { readOnly: true })
    try {
      return JSON.stringify(tables.map((table) => database.prepare(`select * from ${table} order by 1, 2`).all()))
    } finally {
      database.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]()
  }
}

const tables = [
  'resource',
  'resource_ref',
  'resource_label',
  'resource_change',
  'user_secret',
  'session',
  'session_event',
  'idempotency_key',
]

type Document = {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, { description: string }> }>>
}

/** By operation: what the OpenAPI document says that it can end in. */
function endingsIn({ paths }: Document): Map<string, Set<string>> {
  const all = Object.values(paths).flatMap((item) => Object.values(item))
  return new Map(
    all.map(({ operationId, responses }) => {
      const endings = Object.entries(responses).flatMap(([status, { description }]) =>
        [...description.matchAll(/(?:^|\. )([a-z_]+): /g)].map(([, code]) => `${status} ${code}`),
      )
      return [operationId, new Set(endings)]
    }),
  )
}

/** RFC 9457, and nothing in it of the inside. */
export function isProblem({ status, headers, body }: ApiAnswer): boolean {
  const { type, title, code, instance, ...rest } = body
  const isForm = type === `urn:toolgate:error:${String(code)}` && rest['status'] === status && typeof title === 'string'
  const isTyped = headers.get('content-type')?.startsWith('application/problem+json') === true
  const isInside = /sqlite|kysely|zod|\.ts\b|node:/i.test(JSON.stringify(rest))
  return isForm && isTyped && typeof instance === 'string' && !isInside
}
