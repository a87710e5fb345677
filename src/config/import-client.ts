/** The servers that an MCP client already has, as definitions for toolgate.yaml. */
import type { SecretText } from '#contract/secret-text.ts'
import { isToolgateItself, toEntry } from './client-entry.ts'
import { translateVariables } from './client-variables.ts'
import { describeIssue, toFindings } from './describe-issue.ts'
import { formatPath, isRecord } from './key-path.ts'
import { findSecretKeys } from './mask.ts'
import { checkServer } from './server-checks.ts'
import { ServerDefinition } from './server-definition.ts'
import type { ServerEntry } from './server-definition.ts'
import { toServerName } from './server-name.ts'
import { substitute } from './substitute.ts'

export type ImportedServers = {
  /** Ready for `servers:` of toolgate.yaml. Secrets stand in it as the client had them. */
  readonly servers: Readonly<Record<string, ServerEntry>>
  /** Environment variables that the definitions name as `${NAME}`; each must be set. Sorted. */
  readonly variables: readonly string[]
  /** Key paths of plain values that look like secrets and are better moved into a variable. */
  readonly secretPaths: readonly string[]
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

type Entry = { readonly name: string; readonly raw: unknown }
type Translated = { readonly entry: ServerEntry; readonly variables: ReadonlySet<string> }

/**
 * Understands `mcpServers` (Claude Desktop, Claude Code with its projects, Cursor, Windsurf) and VS Code's `servers`, also
 * below `mcp`. `source` names the file in the reasons. Never throws: what cannot be used is in `skipped`.
 */
export function importClientServers(json: unknown, source: string): ImportedServers {
  const servers = new Map<string, ServerEntry>()
  const variables = new Set<string>()
  const secretPaths: string[] = []
  const renamed: { from: string; to: string }[] = []
  const skipped: { name: string; reason: string }[] = []
  for (const { name, raw } of collectEntries(json)) {
    const read = readEntry(raw)
    if (typeof read === 'string') {
      skipped.push({ name, reason: `${source}: ${read}` })
      continue
    }
    const to = toServerName(name, servers)
    if (to !== name) renamed.push({ from: name, to })
    servers.set(to, read.entry)
    for (const variable of read.variables) variables.add(variable)
    secretPaths.push(...findSecretKeys(read.entry).map((keys) => formatPath(['servers', to, ...keys])))
  }
  return { servers: Object.fromEntries(servers), variables: [...variables].toSorted(), secretPaths, renamed, skipped }
}

/** The same server in several projects of one client is one server. */
function collectEntries(json: unknown): Entry[] {
  if (!isRecord(json)) return []
  const projects = isRecord(json.projects) ? Object.values(json.projects) : []
  const maps = [json.mcpServers, json.servers, isRecord(json.mcp) ? json.mcp.servers : undefined]
  const all = [...maps, ...projects.map((project) => (isRecord(project) ? project.mcpServers : undefined))]
    .filter(isRecord)
    .flatMap((map) => Object.entries(map).map(([name, raw]) => ({ name, raw })))
  return [...new Map(all.map((entry) => [JSON.stringify(entry), entry])).values()]
}

/** The definition, or the reason why there is none. */
function readEntry(raw: unknown): Translated | string {
  if (!isRecord(raw)) return 'is not a map'
  if (isToolgateItself(raw)) return 'is Toolgate itself'
  const variables = new Set<string>()
  const entry = mapTexts(toEntry(raw), (text) => translateVariables(text, variables))
  const faults = findFaults(entry, variables)
  return faults.length === 0 ? { entry, variables } : faults.join('; ')
}

/** What the loader would say once all variables are set, so that an import never breaks a configuration that works. */
function findFaults(entry: ServerEntry, variables: ReadonlySet<string>): string[] {
  const env = Object.fromEntries([...variables].map((name) => [name, 'x']))
  const sample = mapTexts(entry, (text) => substitute(text, env).text)
  const { error } = ServerDefinition.safeParse(sample, { error: describeIssue })
  const findings = [...(error?.issues.flatMap(toFindings) ?? []), ...checkServer([], sample)]
  return findings.map(({ path, message }) => `${formatPath(path)} ${message}`.trim())
}

function mapTexts(entry: ServerEntry, change: (text: string) => string): ServerEntry {
  const { url, command, args, cwd, env, headers } = entry
  return {
    ...entry,
    ...(url !== undefined && { url: change(url) }),
    ...(headers !== undefined && { headers: mapValues(headers, change) }),
    ...(command !== undefined && { command: change(command) }),
    ...(args !== undefined && { args: args.map(change) }),
    ...(env !== undefined && { env: mapValues(env, change) }),
    ...(cwd !== undefined && { cwd: change(cwd) }),
  }
}

function mapValues(
  record: Readonly<Record<string, SecretText>>,
  change: (text: string) => string,
): Record<string, SecretText> {
  return Object.fromEntries(
    Object.entries(record).map(([key, text]) => [key, typeof text === 'string' ? change(text) : text]),
  )
}
