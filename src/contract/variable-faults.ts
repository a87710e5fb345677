/** `${NAME}` in a server’s address and headers: each must be a variable that the server declares, and where a request goes is none’s to say. */
import { isOpenRecord, type OpenRecord, type ServerFault } from './server-fault.ts'

/** What stands between the words of a text. `name` is missing where `${` does not begin a variable. */
const variable = /\$\{(?:(?<name>[A-Za-z_][A-Za-z0-9_]{0,63})\})?/g

export function variableFaults(transport: OpenRecord): ServerFault[] {
  const declared = declaredVariables(transport)
  const known = new Set(declared.map(({ name }) => name))
  return [
    ...declarationFaults(declared),
    ...pathFaults(transport, declared),
    ...urlFaults(transport, known),
    ...headerFaults(transport, known),
  ]
}

type Declared = { index: number; name: unknown; scope: unknown; value: unknown; isRequired: unknown }

function declaredVariables({ variables }: OpenRecord): Declared[] {
  const items: unknown[] = Array.isArray(variables) ? variables : []
  return items.flatMap((item, index) =>
    isOpenRecord(item)
      ? [
          {
            index,
            name: item['name'],
            scope: item['scope'] ?? 'user',
            value: item['value'],
            isRequired: item['isRequired'] ?? true,
          },
        ]
      : [],
  )
}

function declarationFaults(declared: readonly Declared[]): ServerFault[] {
  return declared.flatMap(({ index, name, scope, value }): ServerFault[] => {
    const isRepeated = declared.some((other) => other.index < index && other.name === name)
    if (isRepeated) return [{ keys: ['variables', index, 'name'], message: 'is already the name of a variable' }]
    const keys = ['variables', index, 'value']
    if (scope === 'global' && value === undefined) return [{ keys, message: 'is required: text' }]
    return scope === 'user' && value !== undefined
      ? [{ keys, message: 'is given by each user, not here; a value for all needs "scope: global"', isAboutKey: true }]
      : []
  })
}

/** RFC 3986 §3: up to the path it is said where the request goes; a fragment is never sent. */
const urlParts = /^(?<origin>[^/?#]*(?:\/\/[^/?#]*)?)(?<sent>[^#]*)(?<fragment>.*)$/s

function urlFaults({ url }: OpenRecord, known: ReadonlySet<unknown>): ServerFault[] {
  if (typeof url !== 'string') return []
  const { origin = '', sent = '', fragment = '' } = urlParts.exec(url)?.groups ?? {}
  const misplaced = origin.includes('${') || fragment.includes('${')
  const message = 'may hold variables in its path and query only'
  return [...(misplaced ? [{ keys: ['url'], message }] : []), ...textFaults(sent, ['url'], known)]
}

/** An empty one would make two segments one. */
function pathFaults({ url }: OpenRecord, declared: readonly Declared[]): ServerFault[] {
  const [path = ''] = typeof url === 'string' ? url.split('?', 1) : []
  return declared
    .filter(({ name, isRequired }) => isRequired === false && path.includes(`\${${String(name)}}`))
    .map(({ index }) => ({
      keys: ['variables', index, 'isRequired'],
      message: 'must be true for a variable in the path of the address',
    }))
}

function headerFaults({ headers }: OpenRecord, known: ReadonlySet<unknown>): ServerFault[] {
  return Object.entries(isOpenRecord(headers) ? headers : {}).flatMap(([name, text]) =>
    typeof text === 'string' ? textFaults(text, ['headers', name], known) : [],
  )
}

function textFaults(text: string, keys: readonly string[], known: ReadonlySet<unknown>): ServerFault[] {
  const names = [...text.matchAll(variable)].map(({ groups }) => groups?.['name'])
  if (names.includes(undefined)) return [{ keys, message: 'has "${" that does not begin a variable, as ${NAME} does' }]
  return names.every((name) => known.has(name))
    ? []
    : [{ keys, message: 'names a variable that "variables" does not declare' }]
}
