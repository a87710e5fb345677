/** The reference page of the management API, written from its table of operations: docs/reference/api.md. */
import { apiRoot } from '#contract/api-root.ts'
import { pathsOf, type Operation } from '#contract/operation.ts'
import { operations } from '#contract/operations.ts'

export function apiReference(): string {
  const byTag = Map.groupBy(operations, ({ tag }) => tag)
  return [
    '# Management API',
    '',
    'Written by `npm run docs` from `src/contract/operations.ts`. With every schema it is at `/api/v1/openapi.json` (OpenAPI 3.1).',
    '',
    '- **Who you are**: `Authorization: Bearer …`, a token (`tg_…`), or what `POST /api/v1/sign-in` gives a person (`tgu_…`, 12 hours).',
    '  Tokens, passwords and rotations are made by people only.',
    '- **References** in a body are names or ids; what is stored is the id, what is shown the name.',
    '- **Versions**: answers have an `ETag`; a change with `If-Match` is refused with `version_conflict` if somebody was faster.',
    '- **Repeating a POST**: with the same `Idempotency-Key` (1 to 200 visible ASCII characters) it is done once, and answered as before for a day.',
    '  `outcome_unknown` says that it may have been done and that its answer was lost: look, and send it under another key if it was not.',
    '- **How often**: 600 requests at once of one user or token, and then ten a second (`limits.managementRequestsPerMinuteMax`). Who is over it',
    '  hears `rate_limited`, and in `Retry-After` when to come back. Where nobody is known the client’s address is counted.',
    '- **Pages**: `limit` and `cursor`; the answer’s `next` is the cursor of the page after, or null.',
    '- **Failures** are RFC 9457 problem details (`application/problem+json`); `code` is of [the catalogue](errors.md).',
    '- **For whom you act** may stand in `X-Changed-By`: it is recorded and believed by nobody.',
    '',
    ...[...byTag].flatMap(([tag, some]) => [`## ${tag}`, '', ...table(some), '']),
  ].join('\n')
}

function table(some: readonly Operation[]): string[] {
  return [
    '| | | Failures |',
    '| --- | --- | --- |',
    ...some.map(
      ({ summary, errors, ...operation }) =>
        `| ${addresses(operation)} | ${summary} | ${[...new Set(errors)].map((code) => `\`${code}\``).join(' ')} |`,
    ),
  ]
}

function addresses({ method, ...operation }: Pick<Operation, 'method' | 'path' | 'otherPaths'>): string {
  return pathsOf(operation)
    .map((path) => `\`${method} ${apiRoot}${path}\``)
    .join('<br>')
}
