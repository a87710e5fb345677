/** The reference page of the configuration, written from the schema: docs/reference/config.md. */
import { configSchema, propertiesOf, variants } from '#config/json-schema.ts'
import type { ConfigSchema, JsonSchema } from '#config/json-schema.ts'
import { isRecord } from '#config/key-path.ts'

type Row = { readonly key: string; readonly type: string; readonly fallback: string; readonly text: string }

/** Markdown, ending in a line break. The same for the same schema. */
export function configReference(): string {
  const schema = configSchema()
  const sections = Object.entries(propertiesOf(schema.root)).map(([key, part]) => toSection(key, part, schema))
  return `${[introduction, ...sections].join('\n\n')}\n`
}

const introduction = `# Configuration

<!-- Written by \`npm run docs\` from the schema. Do not edit. -->

Toolgate reads one YAML 1.2 document, \`toolgate.yaml\`, of at most 1 MiB. Every key may be left out; without the file all
defaults apply. [An annotated example](../examples/toolgate.yaml) shows all of it.

- **A mistake is refused.** An unknown key, a wrong value, a name that is used twice or a variable that is not set is
  reported with file, line, column and key path, all of them at once. No message shows a value, since it may be a secret.
- **\`\${NAME}\`** in any value is replaced by the environment variable. It must be set. What is put in is text: it is not
  read as YAML, and \`\${\` in it means nothing. Where a number or a boolean is wanted, \`4180\`, \`true\` and \`false\` are
  understood. \`$\${\` stands for a plain \`\${\`. Within \`{ }\` and \`[ ]\` put it in quotes: \`{ token: "\${NAME}" }\`.
  \`os.environ/NAME\` is the same, as the whole of a value.
- **An edit applies at once** to servers, tokens and policies, without a restart and without dropping calls that are
  under way; the log names what waits for the next start. A broken edit is reported, and what was loaded before stays
  in use.
- **\`toolgate config explain\`** shows every value in use and where it came from, secrets masked.
- Anchors and aliases (\`&name\`, \`*name\`) work; tags (\`!name\`) and a second document do not. All times are in
  milliseconds and end in \`Ms\`, all sizes in bytes and end in \`BytesMax\`.`

function toSection(key: string, part: unknown, schema: ConfigSchema): string {
  const resolved = schema.resolve(part)
  const rows = (resolved.oneOf === undefined ? toRows : variantRows)(key, resolved, schema).map(
    ({ key, type, fallback, text }) => `| \`${key}\` | ${type} | ${fallback} | ${text} |`,
  )
  const table = ['| Key | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
  return `## \`${key}\`\n\n${textOf(resolved)}\n\n${table}`
}

/** The rows of everything below a key; `{name}` stands for a key that people choose, `[]` for each entry of a list. */
function toRows(prefix: string, schema: JsonSchema, whole: ConfigSchema): Row[] {
  if (isRecord(schema.additionalProperties)) {
    return toRows(`${prefix}.{name}`, whole.resolve(schema.additionalProperties), whole)
  }
  if (schema.type === 'array') return toRows(`${prefix}[]`, whole.resolve(schema.items), whole)
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(propertiesOf(schema)).flatMap(([name, part]) => {
    const resolved = whole.resolve(part)
    return [
      toRow(`${prefix}.${name}`, resolved, required.includes(name)),
      ...nestedRows(`${prefix}.${name}`, resolved, whole),
    ]
  })
}

function nestedRows(key: string, schema: JsonSchema, whole: ConfigSchema): Row[] {
  if (schema.oneOf !== undefined) return variantRows(key, schema, whole)
  const item = schema.type === 'array' ? whole.resolve(schema.items) : schema
  // One of several forms, which has its rows where they are.
  if (constantOf(propertiesOf(item).kind) !== undefined) return []
  return Object.keys(propertiesOf(item)).length === 0 ? [] : toRows(key, schema, whole)
}

/** `kind` once with all its values, then the keys of each kind. */
function variantRows(key: string, schema: JsonSchema, whole: ConfigSchema): Row[] {
  const kinds = variants(schema).map((variant) => ({ variant, kind: constantOf(propertiesOf(variant).kind) }))
  const type = kinds.map(({ kind }) => code(kind)).join(', ')
  const own = kinds.flatMap(({ variant, kind }) =>
    toRows(key, variant, whole)
      .filter((row) => row.key !== `${key}.kind`)
      .map((row) => ({ ...row, text: `For ${code(kind)}: ${row.text}` })),
  )
  return [{ key: `${key}.kind`, type, fallback: 'required', text: 'Which of the forms it is.' }, ...own]
}

function constantOf(schema: unknown): unknown {
  return isRecord(schema) ? schema.const : undefined
}

function toRow(key: string, schema: JsonSchema, isRequired: boolean): Row {
  const fallback = isRequired ? 'required' : schema.default === undefined ? '–' : code(schema.default)
  return { key, type: typeOf(schema), fallback, text: textOf(schema) }
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref === '#/$defs/SecretRef') return '`{ secretRef }`'
  if (Array.isArray(schema.enum)) return schema.enum.map(code).join(', ')
  if (schema.oneOf !== undefined) return 'map'
  if (Array.isArray(schema.anyOf)) return schema.anyOf.filter(isRecord).map(typeOf).join(', ')
  switch (schema.type) {
    case 'integer':
      return rangeOf(schema)
    case 'number':
      return 'number'
    case 'boolean':
      return '`true`, `false`'
    case 'array':
      return 'list'
    case 'object':
      return 'map'
    default:
      return schema.format === 'uri' ? 'URL' : 'text'
  }
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  const isBounded = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER
  return isBounded ? `integer, ${String(minimum)} to ${maximum}` : `integer, from ${String(minimum)}`
}

function textOf(schema: JsonSchema): string {
  return typeof schema.description === 'string' ? schema.description.replaceAll('|', '\\|') : ''
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}
