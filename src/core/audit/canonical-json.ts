/**
 * JSON in the one form that RFC 8785 (JCS) gives it: members in the order of their names' UTF-16 units, no white space, numbers and texts as
 * ECMAScript writes them. Whoever has equal values gets equal texts, in whatever order and with whatever spaces they came.
 */

/** @param value what `JSON.parse` gives. What JSON has no form for is left out, as `JSON.stringify` does it. Throws for a circle */
export function toCanonicalJson(value: unknown): string {
  // What is in order, or is put in order first, the engine writes in a third of the time.
  const ordered = isInOrder(value, 0) ? value : toOrdered(value, 0)
  return ordered === odd ? toText(value) : (JSON.stringify(ordered) ?? 'null')
}

/** What nests deeper is written the long way. */
const depthMax = 8

/** Whether plain objects and lists hold their members in the order that they are written in. */
function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === depthMax) return false
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1))
  if (!isPlain(value)) return false
  let before = ''
  for (const key in value) {
    if (before > key || !isInOrder(value[key], depth + 1)) return false
    before = key
  }
  return true
}

/** Stands for what has to be written the long way. */
const odd = Symbol('odd')

/** A copy of plain objects and lists, whose members are in order. */
function toOrdered(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === depthMax) return odd
  if (Array.isArray(value)) {
    const items = value.map((item) => toOrdered(item, depth + 1))
    return items.includes(odd) ? odd : items
  }
  return isPlain(value) ? toOrderedObject(value, depth) : odd
}

function toOrderedObject(object: Readonly<Record<string, unknown>>, depth: number): unknown {
  const ordered: Record<string, unknown> = {}
  for (const key of sortedKeys(object)) {
    const member = toOrdered(object[key], depth + 1)
    if (member === odd || isOddName(key)) return odd
    ordered[key] = member
  }
  return ordered
}

/** An object has its numbers first, whenever they came; and this one is no member when it is set. */
function isOddName(key: string): boolean {
  const first = key.charCodeAt(0)
  return (first >= 48 && first <= 57) || key === '__proto__'
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  return Object.getPrototypeOf(value) === Object.prototype && !('toJSON' in value)
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

function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  return keys.length > fewMax ? keys.toSorted(byUnits) : sortFew(keys)
}

const fewMax = 16

/** Insertion sort: the engine's own takes room of its own each time, more than all else here. */
function sortFew(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] ?? ''
    let at = index
    for (; at > 0 && (keys[at - 1] ?? '') > key; at--) keys[at] = keys[at - 1] ?? ''
    keys[at] = key
  }
  return keys
}

/** RFC 8785 §3.2.3: as `<` compares texts, which no locale changes. */
function byUnits(one: string, other: string): number {
  return one < other ? -1 : 1
}
