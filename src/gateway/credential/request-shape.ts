/** What a server's definition puts on each request besides the credential, with the values of variables in it. */
import type { ServedServer } from '#contract/server.ts'
import {
  compileHeader,
  compileUrl,
  resolveVariables,
  type Template,
  type UrlTemplate,
  type VariableDeclaration,
} from '#core/credential/variables.ts'
import { mergeHeaders } from '#core/credential/header-merge.ts'

export type RemoteTransport = Exclude<ServedServer['transport'], { kind: 'stdio' }>

export type FilledRequest = {
  headers: Readonly<Record<string, string>>
  /** Path and query of the server's address. */
  path: string
}

export class RequestShape {
  /** Each user has values of its own. */
  readonly isUsers: boolean
  /** And cannot do without them. */
  readonly needsUser: boolean
  /** The address itself holds values. */
  readonly hasVariablePath: boolean
  readonly host: string
  readonly #declared: readonly VariableDeclaration[]
  readonly #headers: ReadonlyMap<string, Template>
  readonly #url: UrlTemplate

  /** @throws GatewayError `config_invalid` */
  constructor({ url, headers, variables }: RemoteTransport) {
    // A header that cannot be sent is a fault of the definition, not of the first call.
    mergeHeaders(headers, [])
    const names = variables.map(({ name }) => name)
    this.#declared = variables
    this.#url = compileUrl(url, names)
    this.#headers = new Map(Object.entries(headers).map(([name, text]) => [name, compileHeader(text, names)]))
    const used = new Set([...this.#url.path.names, ...[...this.#headers.values()].flatMap((one) => one.names)])
    this.isUsers = variables.some(({ name, scope, isRequired }) => scope === 'user' && (isRequired || used.has(name)))
    this.needsUser = variables.some(({ scope, isRequired }) => scope === 'user' && isRequired)
    this.hasVariablePath = this.#url.path.names.length > 0
    this.host = new URL(this.#url.origin).host
  }

  /**
   * @param own what the user gave, by name
   * @throws GatewayError `config_invalid`, which names the variable
   */
  with(own: Readonly<Record<string, string>>): FilledRequest | { missing: readonly string[] } {
    const { values, missing } = resolveVariables(this.#declared, own)
    if (missing.length > 0) return { missing }
    const headers = Object.fromEntries([...this.#headers].map(([name, template]) => [name, template.fill(values)]))
    return { headers, path: this.#url.path.fill(values) }
  }
}
