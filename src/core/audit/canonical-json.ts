/**
 * JSON in the one form that RFC 8785 (JCS) gives it: members in the order of their names' UTF-16 units, no white space, numbers and texts as
 * ECMAScript writes them. Whoever has equal values gets equal texts, in whatever order and with whatever spaces they came.
 */

/** @param value what `JSON.parse` gives. What JSON has no form for is left out, as `JSON.stringify` does it. Throws for a circle */
export function toCanonicalJson(value: unknown): string {
  // Most arguments come in order, and the engine writes them in a third of the time.
  return isInOrder(value, 0) ? (JSON.stringify(value) ?? 'null') : toText(value)
}

/** What nests deeper is written the long way. */
const depthMax = 8

/** Whether plain objects and lists hold their members in the order that they are written in. */
function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === depthMax) return false
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1))
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read by its own keys alone; this runs for each call
  const members = value as Readonly<Record<string, unknown>>
  let before = ''
  for (const key in members) {
    if (before > key || !isInOrder(members[key], depth + 1)) return false
    before = key
  }
  return true
}

function toText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  return Array.isArray(value) ? ofList(value) : ofObject(value)
}

function ofList(list: readonly unknown[]): string {
  let text = '['
  for (let index = 0; index < list.length; index++) text += (index === 0 ? '' : ',') + toText(list[index])
  return `${text}]`
}

function ofObject(object: object): string {
  let text = ''
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read by its own keys alone; this runs for each call
  const members = object as Readonly<Record<string, unknown>>
  for (const key of sortedKeys(members)) {
    const member = members[key]
    if (member === undefined || typeof member === 'function') continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${toText(member)}`
  }
  return `{${text}}`
}

/** Few objects have more members than stand in order already. */
function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let index = 1; index < keys.length; index++)
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return keys.toSorted(byUnits)
  return keys
}

/** RFC 8785 §3.2.3: as `<` compares texts, which no locale changes. */
function byUnits(one: string, other: string): number {
  return one < other ? -1 : 1
}
