/** Each client has its own way to write a variable; ours is `${NAME}`. */

/** VS Code's own words. */
const known: Readonly<Record<string, string>> = {
  userHome: 'HOME',
  workspaceFolder: 'WORKSPACE_FOLDER',
}

/** `${env:NAME}` and `${input:id}` (VS Code, Cursor), `${NAME}` and `${NAME:-default}` (Claude Code). */
const variable = /\$\{(?:(env|input):)?([A-Za-z_][A-Za-z0-9_-]{0,100})(?::-[^}]*)?\}|\$\{/g

/** Adds the names that it used to `variables`. Anything else that looks like a variable of ours is escaped. */
export function translateVariables(text: string, variables: Set<string>): string {
  return text.replaceAll(variable, (match, prefix: string | undefined, name: string | undefined) => {
    if (name === undefined) return `$${match}`
    const ours = prefix === undefined ? (known[name] ?? name) : name
    const safe = prefix === 'input' ? ours.toUpperCase().replaceAll('-', '_') : ours
    if (safe.includes('-')) return `$${match}`
    variables.add(safe)
    return `\${${safe}}`
  })
}
