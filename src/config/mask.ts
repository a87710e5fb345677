/** The one place that knows which values are secrets. */
import { hideInParts, hideValues, pathOf, secretMark } from '#contract/secret-places.ts'
import type { SecretText } from '#contract/secret-text.ts'
import { isSecretName, isSecretText } from '#contract/secret-words.ts'
import type { ConfigDocument, ConfiguredToken } from './schema.ts'
import type { ServerDefinition, ServerEntry } from './server-definition.ts'

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
    secrets: Object.fromEntries(Object.keys(document.secrets).map((name) => [name, secretMark])),
    tokens: document.tokens.map(maskToken),
  }
}

function maskToken(token: ConfiguredToken): ConfiguredToken {
  return token.secret === undefined ? token : { ...token, secret: secretMark }
}

function maskDefinition(definition: ServerDefinition, hasVariable: HasVariable): ServerDefinition {
  const { url, env, args } = definition
  return {
    ...definition,
    ...(url !== undefined && { url: maskUrl(url, hasVariable(['url'])) }),
    ...hideInParts(definition),
    ...(args !== undefined && { args: maskArguments(args, hasVariable) }),
    ...(env !== undefined && { env: hideValues(env) }),
  }
}

/** Host and path tell which server it is; some services put the key into the query or, hard to guess, into the path. */
function maskUrl(text: string, hasVariable: boolean): string {
  const url = new URL(text)
  const { protocol, username, password, host, pathname, search } = url
  const user = username === '' && password === '' ? '' : `${secretMark}@`
  const segments = pathOf(url)
    .split('/')
    .map((segment) => (isSecretText(segment) ? secretMark : segment))
  const path = hasVariable && pathname !== '/' ? `/${secretMark}` : segments.join('/')
  const query = search === '' ? '' : `?${search.slice(1).split('&').map(maskParameter).join('&')}`
  return `${protocol}//${user}${host}${path}${query}`
}

function maskParameter(parameter: string): string {
  const [name = '', value] = parameter.split('=', 2)
  return value === undefined ? secretMark : `${name}=${secretMark}`
}

function maskArguments(args: readonly string[], hasVariable: HasVariable): string[] {
  return args.map((argument, index) =>
    hasVariable(['args', index]) ? secretMark : maskArgument(argument, args[index - 1]),
  )
}

/** What follows `--token`, `--token=abc`, `Authorization: abc`, addresses with a password, and what a machine made. */
function maskArgument(argument: string, before = ''): string {
  if (isSecretText(argument) || isValueOfSecretFlag(argument, before)) return secretMark
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(argument) && URL.canParse(argument)) return maskUrl(argument, false)
  const sign = argument.search(/[=:]/)
  if (sign < 0) return argument
  const [name, value] = [argument.slice(0, sign), argument.slice(sign + 1).trim()]
  return isSecretName(name) || isSecretText(value) ? argument.slice(0, sign + 1) + secretMark : argument
}

function isValueOfSecretFlag(argument: string, flag: string): boolean {
  return /^--?[^=]+$/.test(flag) && isSecretName(flag) && !argument.startsWith('--')
}

/** The keys of plain values that look like secrets; what holds a `${NAME}` is already where it should be. */
export function findSecretKeys({ url, headers, args, env }: ServerEntry): (string | number)[][] {
  const isPlain = (text: string): boolean => !text.includes('${')
  const inRecord = (key: string, record: Readonly<Record<string, SecretText>> = {}): string[][] =>
    Object.entries(record)
      .filter(([name, text]) => typeof text === 'string' && isPlain(text) && (isSecretName(name) || isSecretText(text)))
      .map(([name]) => [key, name])
  const shown = maskArguments(args ?? [], () => false)
  const inArgs = (args ?? []).flatMap((text, index) =>
    isPlain(text) && shown[index] !== text ? [['args', index]] : [],
  )
  const isSecretUrl = url !== undefined && URL.canParse(url) && isPlain(url) && maskUrl(url, false).includes(secretMark)
  return [...(isSecretUrl ? [['url']] : []), ...inRecord('headers', headers), ...inArgs, ...inRecord('env', env)]
}
