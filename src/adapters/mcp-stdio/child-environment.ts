/**
 * What every child gets of the gateway's own environment: enough to find programs, its home and its language.
 * The gateway's secrets are in its environment too, so this is a list of what passes, not of what is dropped.
 */
const inheritedNames = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'TMPDIR', 'TZ']
const inheritedPrefix = 'LC_'

/** @param own what is added; it wins over what is inherited */
export function buildChildEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const environment: Record<string, string> = {}
  // oxlint-disable-next-line node/no-process-env -- not configuration: a child inherits from this very process.
  for (const [name, value] of Object.entries(process.env)) {
    const isInherited = inheritedNames.includes(name) || name.startsWith(inheritedPrefix)
    if (isInherited && value !== undefined && !isShellFunction(value)) environment[name] = value
  }
  return { ...environment, ...own }
}

/** Old versions of bash run such a value when they start. */
function isShellFunction(value: string): boolean {
  return value.startsWith('()')
}
