/** A gateway that was started for the first time, and a person who has signed in to its management API. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { withPlants } from './planted/definitions.ts'
import { both, initialize, modernHeaders } from './raw-client.ts'
import type { Json } from './raw-http.ts'
import { startProgram, tokenIn, type Program } from './cli/run-program.ts'

export type ApiAnswer = { status: number; headers: Headers; body: Record<string, unknown> }
export type Api = (
  method: string,
  path: string,
  options?: { body?: unknown; headers?: Record<string, string>; bearer?: string | null },
) => Promise<ApiAnswer>

export type ManagedGateway = AsyncDisposable & {
  program: Program
  /** Without a path. */
  url: string
  folder: string
  /** The first admin's token, and what a person has after signing in. */
  token: string
  password: string
  bearer: string
  /** Asks `/api/v1{path}` as the person, or as whom `bearer` says. */
  api: Api
  /** A new token's secret. @throws unless it is made */
  mint: (token: Record<string, unknown>) => Promise<string>
}

/** @param config without `listen`, unless it says more than a free port */
export async function startManagedGateway(
  config: Record<string, unknown>,
  {
    env = {},
    at,
  }: {
    env?: Record<string, string>
    /** Where it is reached, where its public address is nowhere. */ at?: string
  } = {},
): Promise<ManagedGateway> {
  await using starting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-managed-'))
  starting.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'toolgate.yaml'), stringify({ listen: { port: 0 }, ...withPlants(config) }))
  const program = starting.use(startProgram(['serve'], { cwd: folder, env }))
  const publicUrl = await program.untilUp()
  const url = at ?? publicUrl
  const token = tokenIn(program.stdout())
  const password = passwordIn(program.stdout())
  const bearer = await signIn(url, 'admin', password)
  const api: Api = (method, path, options = {}) => callApi(url, { method, path, bearer, ...options })
  const started = starting.move()
  return {
    program,
    url,
    folder,
    token,
    password,
    bearer,
    api,
    async mint(token) {
      const { status, body } = await api('POST', '/tokens', { body: token })
      if (status !== 201) throw new Error(`making a token answered ${status} ${JSON.stringify(body)}`)
      return String(body['secret'])
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export function passwordIn(banner: string): string {
  const password = /with the password (\S+)$/m.exec(banner)?.[1]
  if (password === undefined) throw new Error(`no password in\n${banner}`)
  return password
}

export async function signIn(url: string, user: string, password: string): Promise<string> {
  const { status, body } = await callApi(url, {
    method: 'POST',
    path: '/sign-in',
    bearer: null,
    body: { user, password },
  })
  if (status !== 201) throw new Error(`signing in answered ${status} ${JSON.stringify(body)}`)
  return String(body['access_token'])
}

type Asked = {
  method: string
  path: string
  /** Null: nobody. */
  bearer: string | null
  body?: unknown
  headers?: Record<string, string>
}

/** Asks `/api/v1{path}` of the gateway at `url`. */
export async function callApi(url: string, { method, path, bearer, body, headers }: Asked): Promise<ApiAnswer> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const parsed: unknown = text === '' ? {} : JSON.parse(text)
  return { status: response.status, headers: response.headers, body: parsed as Record<string, unknown> }
}

/** A call, or whatever else, of a client of the newest revision. */
export function sendModern(address: string, { token, message }: { token: string; message: Json }): Promise<Response> {
  return fetch(address, {
    method: 'POST',
    headers: { ...both, ...modernHeaders(message), authorization: `Bearer ${token}` },
    body: JSON.stringify(message),
  })
}

/** A client of before opens a session. */
export function sendInitialize(address: string, token: string): Promise<Response> {
  return fetch(address, {
    method: 'POST',
    headers: { ...both, authorization: `Bearer ${token}` },
    body: JSON.stringify(initialize()),
  })
}
