/** The one place that knows which values are secrets. */
import type { ConfigDocument, ConfiguredToken } from './schema.ts'
import { isSecretName, isSecretText } from './secret-words.ts'
import type { ServerDefinition, ServerEntry } from './server-definition.ts'

const masked = '[secret]'

/** Whether the value at these keys below the document holds an environment variable. */
export type HasVariable = (path: readonly (string | number)[]) => boolean

/** A copy that may be shown to anybody who may see the configuration. */
export function maskDocument(document: ConfigDocument, hasVariable: HasVariable): ConfigDocument {
  const servers = Object.entries(document.servers).map(([name, definition]): [string, ServerDefinition] => [
    name,
    maskDefinition(definition, (path) => hasVariable(['servers', name, ...path])),
  ])
  const { postgres, redis, ...storage } = document.storage
  return {
    ...document,
    storage: {
      ...storage,
      ...(postgres !== undefined && { postgres: maskUrl(postgres, hasVariable(['storage', 'postgres'])) }),
      ...(redis !== undefined && { redis: maskUrl(redis, hasVariable(['storage', 'redis'])) }),
    },
    servers: Object.fromEntries(servers),
    tokens: document.tokens.map(maskToken),
  }
}

function maskToken(token: ConfiguredToken): ConfiguredToken {
  return token.secret === undefined ? token : { ...token, secret: masked }
}

function maskDefinition(definition: ServerDefinition, hasVariable: HasVariable): ServerDefinition {
  const { url, credential, headers, env, args } = definition
  return {
    ...definition,
    ...(url !== undefined && { url: maskUrl(url, hasVariable(['url'])) }),
    ...(credential !== undefined && { credential: maskCredential(credential) }),
    ...(headers !== undefined && { headers: maskValues(headers) }),
    ...(args !== undefined && { args: maskArguments(args, hasVariable) }),
    ...(env !== undefined && { env: maskValues(env) }),
  }
}

type Credential = NonNullable<ServerDefinition['credential']>

/** What is not known to be harmless is masked, so a new kind of credential is safe from its first day. */
const shownCredentialKeys = new Set(['kind', 'username', 'header'])

function maskCredential(credential: Credential): Credential {
  const secretKeys = Object.keys(credential).filter((key) => !shownCredentialKeys.has(key))
  return { ...credential, ...Object.fromEntries(secretKeys.map((key) => [key, masked])) }
}

function maskValues(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(record).map((key) => [key, masked]))
}

/** Host and path tell which server it is; some services put the key into the query or, hard to guess, into the path. */
function maskUrl(text: string, hasVariable: boolean): string {
  const { protocol, username, password, host, pathname, search } = new URL(text)
  const user = username === '' && password === '' ? '' : `${masked}@`
  const segments = pathname.split('/').map((segment) => (isSecretText(segment) ? masked : segment))
  const path = hasVariable && pathname !== '/' ? `/${masked}` : segments.join('/')
  const query = search === '' ? '' : `?${search.slice(1).split('&').map(maskParameter).join('&')}`
  return `${protocol}//${user}${host}${path}${query}`
}

function maskParameter(parameter: string): string {
  const [name = '', value] = parameter.split('=', 2)
  return value === undefined ? masked : `${name}=${masked}`
}

function maskArguments(args: readonly string[], hasVariable: HasVariable): string[] {
  return args.map((argument, index) =>
    hasVariable(['args', index]) ? masked : maskArgument(argument, args[index - 1]),
  )
}

/** What follows `--token`, `--token=abc`, `Authorization: abc`, addresses with a password, and what a machine made. */
function maskArgument(argument: string, before = ''): string {
  if (isSecretText(argument) || isValueOfSecretFlag(argument, before)) return masked
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(argument) && URL.canParse(argument)) return maskUrl(argument, false)
  const sign = argument.search(/[=:]/)
  if (sign < 0) return argument
  const [name, value] = [argument.slice(0, sign), argument.slice(sign + 1).trim()]
  return isSecretName(name) || isSecretText(value) ? argument.slice(0, sign + 1) + masked : argument
}

function isValueOfSecretFlag(argument: string, flag: string): boolean {
  return /^--?[^=]+$/.test(flag) && isSecretName(flag) && !argument.startsWith('--')
}

/** The keys of plain values that look like secrets; what holds a `${NAME}` is already where it should be. */
export function findSecretKeys({ url, headers, args, env }: ServerEntry): (string | number)[][] {
  const isPlain = (text: string): boolean => !text.includes('${')
  const inRecord = (key: string, record: Readonly<Record<string, string>> = {}): string[][] =>
    Object.entries(record)
      .filter(([name, text]) => isPlain(text) && (isSecretName(name) || isSecretText(text)))
      .map(([name]) => [key, name])
  const shown = maskArguments(args ?? [], () => false)
  const inArgs = (args ?? []).flatMap((text, index) =>
    isPlain(text) && shown[index] !== text ? [['args', index]] : [],
  )
  const isSecretUrl = url !== undefined && URL.canParse(url) && isPlain(url) && maskUrl(url, false).includes(masked)
  return [...(isSecretUrl ? [['url']] : []), ...inRecord('headers', headers), ...inArgs, ...inRecord('env', env)]
}
