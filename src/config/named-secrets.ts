/** Whether a text below `secrets` fits where servers name it: two lines are a fine secret, and no header. */
import { mapSecretRefs } from '#contract/secret-text.ts'
import { describeIssue, toFindings, type Finding } from './describe-issue.ts'
import { isRecord, isShownKey, type KeyPath } from './key-path.ts'
import { ServerDefinition } from './server-definition.ts'

type Raw = Readonly<Record<string, unknown>>

/** Of secrets that are stored elsewhere nothing is known here: what they are is seen when they are used. */
export function checkNamedSecrets({ servers, secrets }: { servers: Raw; secrets: Raw }): Finding[] {
  return Object.entries(servers).flatMap(([name, raw]) =>
    isRecord(raw) ? checkServerSecrets(['servers', name], raw, secrets) : [],
  )
}

function checkServerSecrets(path: KeyPath, raw: Raw, secrets: Raw): Finding[] {
  const names = new Map<string, string>()
  const filled = mapSecretRefs(raw, (name, at) => {
    const text = Object.hasOwn(secrets, name) ? secrets[name] : undefined
    if (typeof text !== 'string') return { secretRef: name }
    names.set(at, name)
    return text
  })
  if (names.size === 0) return []
  const issues = ServerDefinition.safeParse(filled, { error: describeIssue }).error?.issues ?? []
  return issues.flatMap(toFindings).flatMap((finding): Finding[] => {
    const name = names.get(written(finding.path))
    if (name === undefined) return []
    const which = isShownKey(name) ? `the secret "${name}"` : 'the secret'
    return [{ ...finding, path: [...path, ...finding.path], message: `${which} ${finding.message}` }]
  })
}

/** As `mapSecretRefs` writes where something stands. */
function written(path: KeyPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(1)
}
