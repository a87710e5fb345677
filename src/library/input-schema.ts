/** Builders for a tool's input schema. Every step gives a new builder; JSON Schema keywords that we do not know stay. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'

/** A builder, or JSON Schema as it is. */
export type SchemaLike = PropertySchema | ToolInputSchema | JsonObject

export class PropertySchema {
  readonly #keywords: JsonObject

  private constructor(keywords: JsonObject) {
    this.#keywords = keywords
  }

  static string(description?: string): PropertySchema {
    return PropertySchema.#ofType('string', description)
  }

  static number(description?: string): PropertySchema {
    return PropertySchema.#ofType('number', description)
  }

  static integer(description?: string): PropertySchema {
    return PropertySchema.#ofType('integer', description)
  }

  static boolean(description?: string): PropertySchema {
    return PropertySchema.#ofType('boolean', description)
  }

  static array(items: SchemaLike, description?: string): PropertySchema {
    return PropertySchema.#ofType('array', description).withKeyword('items', toJsonSchema(items))
  }

  /** Any JSON Schema, kept whole. */
  static from(schema: JsonObject): PropertySchema {
    return new PropertySchema(structuredClone(schema))
  }

  static #ofType(type: string, description: string | undefined): PropertySchema {
    return new PropertySchema(description === undefined ? { type } : { type, description })
  }

  withDescription(description: string): PropertySchema {
    return this.withKeyword('description', description)
  }

  withEnum(values: readonly unknown[]): PropertySchema {
    return this.withKeyword('enum', values)
  }

  withDefault(value: unknown): PropertySchema {
    return this.withKeyword('default', value)
  }

  /** Both ends belong to the range; undefined leaves one open. */
  withRange(minimum?: number, maximum?: number): PropertySchema {
    const lower = minimum === undefined ? this : this.withKeyword('minimum', minimum)
    return maximum === undefined ? lower : lower.withKeyword('maximum', maximum)
  }

  /** @param pattern a regular expression as JSON Schema has it: it matches anywhere unless anchored */
  withPattern(pattern: string | RegExp): PropertySchema {
    return this.withKeyword('pattern', typeof pattern === 'string' ? pattern : pattern.source)
  }

  /** Any other keyword: `format`, `maxLength`, `oneOf` … */
  withKeyword(keyword: string, value: unknown): PropertySchema {
    return new PropertySchema({ ...this.#keywords, [keyword]: structuredClone(value) })
  }

  toJSON(): JsonObject {
    return structuredClone(this.#keywords)
  }
}

export class ToolInputSchema {
  readonly #keywords: JsonObject

  /** Without an argument: an object that allows no properties but those that are added. */
  constructor(keywords: JsonObject = { type: 'object', properties: {}, additionalProperties: false }) {
    this.#keywords = structuredClone(keywords)
  }

  static object(): ToolInputSchema {
    return new ToolInputSchema()
  }

  /** Any JSON Schema of an object, kept whole: what it allows beside its properties stays as it says. */
  static from(schema: JsonObject): ToolInputSchema {
    return new ToolInputSchema(schema)
  }

  withProperty(name: string, schema: SchemaLike, isRequired = false): ToolInputSchema {
    const properties = { ...this.#object('properties'), [name]: toJsonSchema(schema) }
    const next = new ToolInputSchema({ ...this.#keywords, properties })
    return isRequired ? next.withRequired([name]) : next
  }

  /** Adds to what is required already. */
  withRequired(names: readonly string[]): ToolInputSchema {
    const known = this.#keywords['required']
    const before: readonly unknown[] = Array.isArray(known) ? known : []
    const required = [...new Set([...before, ...names])]
    return new ToolInputSchema({ ...this.#keywords, required })
  }

  toJSON(): JsonObject {
    return structuredClone(this.#keywords)
  }

  #object(keyword: string): JsonObject {
    const value = this.#keywords[keyword]
    return isJsonObject(value) ? value : {}
  }
}

export function toJsonSchema(schema: SchemaLike): JsonObject {
  return schema instanceof PropertySchema || schema instanceof ToolInputSchema
    ? schema.toJSON()
    : structuredClone(schema)
}
