/** Checks values against JSON Schemas that servers publish: compiled at the first use, and only so many kept. */
import type { AnySchemaObject, Options, ValidateFunction } from 'ajv'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { patternEngine } from './pattern-engine.ts'

/**
 * Every fault, as `path: what is wrong`; none where the value fits. Null where the schema itself cannot be used, because it
 * is no valid schema or refers to something outside itself.
 */
export type SchemaCheck = (schema: JsonObject, value: unknown) => Promise<string[] | null>

/** What both classes of ajv have under the same types. */
type Compiler = { compile(schema: AnySchemaObject): ValidateFunction; removeSchema(schema: AnySchemaObject): unknown }
type Dialect = '2020' | 'draft-07'
type Compiled = { validate: ValidateFunction | null; forget(): void }

/** A compiled schema costs some 125 kB and a few milliseconds, so it is kept, and not for ever. */
const schemasMaxDefault = 200
const faultsMax = 50
/** Compiling costs time with the size of the schema, and servers choose it. */
const schemaCharsMax = 262_144

const options: Options = {
  // Servers add keywords of their own, and MCP has some.
  strict: false,
  allErrors: true,
  addUsedSchema: false,
  logger: false,
  code: { regExp: patternEngine },
}

export function createSchemaCheck({ schemasMax = schemasMaxDefault } = {}): SchemaCheck {
  const compilers = new Map<Dialect, Promise<Compiler>>()
  /** By the object: a list that is fetched anew brings new ones, and the old ones grow cold. */
  const compiled = new Map<JsonObject, Compiled>()

  function compiler(dialect: Dialect): Promise<Compiler> {
    let loading = compilers.get(dialect)
    if (!loading) compilers.set(dialect, (loading = loadCompiler(dialect)))
    return loading
  }

  function keep(schema: JsonObject, entry: Compiled): void {
    compiled.delete(schema)
    compiled.set(schema, entry)
    if (compiled.size <= schemasMax) return
    const [oldest] = compiled
    if (!oldest) return
    compiled.delete(oldest[0])
    oldest[1].forget()
  }

  return async (schema, value) => {
    const entry = compiled.get(schema) ?? compile(schema, await compiler(dialectOf(schema)))
    keep(schema, entry)
    const { validate } = entry
    if (!validate) return null
    return validate(value) ? [] : (validate.errors ?? []).slice(0, faultsMax).map(toFault)
  }
}

/** Imported at the first use: it costs 50 ms. */
async function loadCompiler(dialect: Dialect): Promise<Compiler> {
  const { default: formats } = await import('ajv-formats')
  if (dialect === '2020') {
    const { Ajv2020 } = await import('ajv/dist/2020.js')
    const ajv = new Ajv2020(options)
    formats.default(ajv)
    return ajv
  }
  const { Ajv } = await import('ajv')
  const ajv = new Ajv(options)
  formats.default(ajv)
  return ajv
}

/** 2020-12 where nothing else is said (MCP 2025-11-25, basic, JSON Schema usage); drafts before it read `items` in another way. */
function dialectOf({ $schema }: JsonObject): Dialect {
  return typeof $schema === 'string' && /draft-0[4-7]/.test($schema) ? 'draft-07' : '2020'
}

function compile(schema: JsonObject, compiler: Compiler): Compiled {
  // Two servers may publish one `$id`, and ours is not the place where schemas find each other.
  const { $schema: _dialect, $id: _id, id: _oldId, ...rest } = schema
  const unusable = { validate: null, forget: () => undefined }
  try {
    if (JSON.stringify(rest).length > schemaCharsMax) return unusable
    const validate = compiler.compile(rest)
    return isSynchronous(validate) ? { validate, forget: () => void compiler.removeSchema(rest) } : unusable
  } catch {
    return unusable
  }
}

/** `$async` is a keyword of ajv's own: such a function gives a promise, and a promise is true. */
function isSynchronous(validate: ValidateFunction): boolean {
  return !isJsonObject(validate.schema) || validate.schema['$async'] !== true
}

function toFault({
  instancePath,
  message = 'is not valid',
  params,
}: NonNullable<ValidateFunction['errors']>[number]): string {
  const path = instancePath === '' ? 'arguments' : `arguments${instancePath}`
  const extra = params as JsonObject
  const name = extra['additionalProperty'] ?? extra['unevaluatedProperty']
  return typeof name === 'string' ? `${path}: ${message} (${JSON.stringify(name)})` : `${path}: ${message}`
}
