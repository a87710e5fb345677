/** The reference page of the failures, written from the catalogue: docs/reference/errors.md. */
import { errorCatalogue } from '#contract/errors.ts'

/** Markdown, ending in a line break. */
export function errorReference(): string {
  const rows = Object.entries(errorCatalogue).map(([code, entry]) => {
    const { status, rpc, fault, title } = entry
    const retry = 'isRetryable' in entry ? 'yes' : ''
    return `| \`${code}\` | ${status} | ${String(rpc).replace('-', '−')} | ${fault} | ${retry} | ${title} |`
  })
  return `${[introduction, '', ...head, ...rows].join('\n')}\n`
}

const head = ['| Code | HTTP | JSON-RPC | Fault | Retry | Title |', '| --- | --- | --- | --- | --- | --- |']

const introduction = `# Errors

<!-- Written by \`npm run docs\` from the catalogue. Do not edit. -->

Every failure of the gateway has a code and a title from this list. As JSON-RPC it is
\`{"code": −32010, "message": "<title>", "data": {"code": "upstream_unreachable", "requestId": "…", …}}\`; \`data\` may say more, such
as the limit that was reached, and never holds words of a server. Decide by \`data.code\`: several failures share a number.

- **HTTP** is the status where the failure is told before a request was accepted. Afterwards it is 200, but for modern
  clients (2026-07-28) where that revision wants 400 or 404.
- **Fault** is whose it is: the caller's, the server's behind the gateway (upstream), or the gateway's and whoever runs it.
- **Retry** means that the same call may succeed later; \`data.retryable\` is \`true\` then.
- What a tool itself calls an error is no failure in this sense: it is the tool's result, with \`isError\`, and is passed on as it is.`
