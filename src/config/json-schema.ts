/** The configuration's JSON Schema, walked: for the reference page and for "did you mean". */
import { z } from 'zod'
import { isRecord } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import { LegacySections } from './legacy-schema.ts'
import { ConfigDocument } from './schema.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export type ConfigSchema = {
  readonly root: JsonSchema
  /** Follows `$ref`; what stands beside the reference wins. */
  readonly resolve: (schema: unknown) => JsonSchema
}

/** As a document is written: keys with a default may be left out. */
export function configSchema(): ConfigSchema {
  const whole: unknown = z.toJSONSchema(ConfigDocument.extend(LegacySections.shape), { io: 'input' })
  const definitions = isRecord(whole) && isRecord(whole.$defs) ? whole.$defs : {}
  const resolve = (schema: unknown): JsonSchema => {
    if (!isRecord(schema)) return {}
    if (typeof schema.$ref !== 'string') return schema
    const { $ref, ...beside } = schema
    return { ...resolve(definitions[$ref.replace('#/$defs/', '')]), ...beside }
  }
  return { root: resolve(whole), resolve }
}

/** The keys that a map at this path may have; none where any key is allowed. */
export function knownKeys(path: KeyPath): string[] {
  const { root, resolve } = configSchema()
  let schemas = [root]
  for (const key of path) schemas = schemas.flatMap((schema) => childSchemas(schema, key).map(resolve))
  return [
    ...new Set(schemas.flatMap((schema) => variants(schema).flatMap((one) => Object.keys(propertiesOf(resolve(one)))))),
  ]
}

function childSchemas(schema: JsonSchema, key: PropertyKey): unknown[] {
  if (typeof key === 'number') return [schema.items]
  return variants(schema).map((one) => propertiesOf(one)[String(key)] ?? one.additionalProperties)
}

/** A union's members, or the schema itself. */
export function variants(schema: JsonSchema): JsonSchema[] {
  const members = schema.oneOf ?? schema.anyOf
  return Array.isArray(members) ? members.filter(isRecord) : [schema]
}

export function propertiesOf(schema: JsonSchema): Readonly<Record<string, unknown>> {
  return isRecord(schema.properties) ? schema.properties : {}
}
