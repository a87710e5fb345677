/** Texts that are secret: written where they are used, or kept in a resource of kind `secret` and named there. */
import { z } from 'zod'
import { Ref } from './resource.ts'

export const SecretRef = z
  .strictObject({ secretRef: Ref.describe('Name or id of a secret.') })
  .meta({ id: 'SecretRef', description: 'The text of a secret, which is kept by itself.' })
export type SecretRef = z.infer<typeof SecretRef>

/** What a text of this form may be as a secret: the text itself, or the name of the secret that holds it. */
export function secretText<Form extends z.ZodType<string>>(form: Form): z.ZodUnion<[Form, typeof SecretRef]> {
  return z.union([form, SecretRef])
}

export type SecretText = string | SecretRef

/** The same with a text in place of each secret that is named: what the engine works with. */
export type Resolved<T> = T extends SecretRef
  ? string
  : T extends readonly (infer Item)[]
    ? Resolved<Item>[]
    : T extends object
      ? { [Key in keyof T]: Resolved<T[Key]> }
      : T

/** Maps whose keys people choose: there `secretRef` is a key like any other. */
const openMaps = new Set(['headers', 'env', 'extraParameters'])

/**
 * A copy in which every secret that is named is what `map` makes of it; without any, the very same.
 * @param value of a schema of ours, which says where a secret may be named
 * @param map gets the name or id, and where it stands, such as `credential.token`
 */
export function mapSecretRefs<T>(value: T, map: (ref: string, path: string) => SecretText): T
export function mapSecretRefs(value: unknown, map: (ref: string, path: string) => SecretText): unknown {
  return mapAt(value, '', { map, isOpen: false })
}

type Walk = { map: (ref: string, path: string) => SecretText; isOpen: boolean }

function mapAt(value: unknown, path: string, { map, isOpen }: Walk): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item: unknown, index) =>
      mapAt(item, `${path}[${index}]`, { map, isOpen: false }),
    )
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (!isOpen && isSecretRef(value)) return map(value.secretRef, path)
  let isSame = true
  const members = Object.entries(value).map(([key, member]: [string, unknown]) => {
    const at = path === '' ? key : `${path}.${key}`
    const mapped = mapAt(member, at, { map, isOpen: !isOpen && openMaps.has(key) })
    isSame &&= mapped === member
    return [key, mapped] as const
  })
  return isSame ? value : Object.fromEntries(members)
}

function isSecretRef(value: object): value is SecretRef {
  return 'secretRef' in value && typeof value.secretRef === 'string'
}
