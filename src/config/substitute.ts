/** `${NAME}` in text is replaced by an environment variable; `$${` stands for a plain `${`. `os.environ/NAME` is one as a whole. */

export type Fault = {
  /** Which `${` of the text it is, counted from 0. */
  readonly nth: number
  readonly message: string
}
export type Substituted = {
  readonly text: string
  readonly variables: readonly string[]
  readonly faults: readonly Fault[]
}
export type Environment = Readonly<Record<string, string | undefined>>

const opening = /(\$?)\$\{(?:([A-Za-z_][A-Za-z0-9_]{0,127})\})?/g

/** What is put in is not looked at again: neither for `${` nor as YAML. Faults never hold a value. */
export function substitute(source: string, env: Environment): Substituted {
  const whole = /^os\.environ\/(?<name>.*)$/s.exec(source)?.groups?.['name']
  if (whole !== undefined) return substituteWhole(whole, env)
  const variables: string[] = []
  const faults: Fault[] = []
  let nth = -1
  const text = source.replace(opening, (match, escape: string, name: string | undefined) => {
    nth += 1
    if (escape !== '') return match.slice(1)
    const value = name === undefined ? undefined : findVariable(env, name)
    if (name !== undefined) variables.push(name)
    if (value === undefined) faults.push({ nth, message: faultMessage(name) })
    return value ?? ''
  })
  return { text, variables, faults }
}

function substituteWhole(name: string, env: Environment): Substituted {
  const isName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)
  const value = isName ? findVariable(env, name) : undefined
  const message = isName ? faultMessage(name) : '"os.environ/" must be followed by the name of an environment variable'
  return {
    text: value ?? '',
    variables: isName ? [name] : [],
    faults: value === undefined ? [{ nth: 0, message }] : [],
  }
}

function findVariable(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

function faultMessage(name: string | undefined): string {
  return name === undefined
    ? '"${" must be followed by the name of an environment variable and "}"; write "$${" for a plain "${"'
    : `the environment variable ${name} is not set`
}
