/** A gateway, an authorization server, and people who connect their accounts. */
import {
  openAuthorizationServer,
  type AuthorizationServerOptions,
  type TestAuthorizationServer,
} from './authorization-server.ts'
import { goThrough, type Person } from './authorization-server-pages.ts'
import { Browser, nextOf, type BrowserPage } from './browser.ts'
import { signIn, startManagedGateway, type ManagedGateway } from './management.ts'

export type ConnectLab = AsyncDisposable & {
  gateway: ManagedGateway
  server: TestAuthorizationServer
  /** A new browser in which this person has signed in. */
  browserOf(name: string): Promise<Browser>
  /** What somebody has after signing in to the management API. */
  bearerOf(name: string): Promise<string>
  /** Goes through the sign-in of the authorization server. @returns the address that the browser is sent back to */
  consent(page: BrowserPage, person: Person): Promise<URL>
  /** From the page of a server to the end. */
  connect(browser: Browser, server: string, login?: string): Promise<BrowserPage>
}

export type ConnectLabOptions = {
  /** By name, what differs from a server that nobody calls. */
  servers: (issuer: string) => Record<string, { description?: string } & Record<string, unknown>>
  config?: Record<string, unknown>
  authorization?: AuthorizationServerOptions
  env?: Record<string, string>
  /** How browsers reach the gateway, where that is nowhere; it is at this port then. */
  publicly?: { url: string; port: number }
}

const nowhere = 'http://127.0.0.1:9/mcp'

export const passwordOf = (name: string): string => `the long password of ${name}`

/** Ann, Bob and Cid may call everything; Dot may call nothing; Ann manages the team blue, of which Bob is a member. */
export async function openConnectLab({
  servers,
  config = {},
  authorization = {},
  env = {},
  publicly,
}: ConnectLabOptions): Promise<ConnectLab> {
  await using open = new AsyncDisposableStack()
  const server = open.use(await openAuthorizationServer(authorization))
  const gateway = open.use(
    await startManagedGateway(
      {
        egress: { allow: ['127.0.0.0/8'] },
        policies: { all: { default: 'execute' } },
        ...(publicly && { listen: { port: publicly.port, publicUrl: publicly.url } }),
        ...config,
      },
      { env, ...(publicly && { at: `http://127.0.0.1:${publicly.port}` }) },
    ),
  )
  for (const [name, { description, ...transport }] of Object.entries(servers(server.issuer))) {
    const body = { name, description, transport: { kind: 'streamable_http', url: nowhere, ...transport } }
    await made(gateway.api('POST', '/servers', { body }))
  }
  await makePeople(gateway)
  const browserOf = async (name: string): Promise<Browser> => {
    const browser = new Browser(gateway.url, publicly?.url)
    const page = await browser.open('/connect')
    const password = name === 'admin' ? gateway.password : passwordOf(name)
    await browser.submit(page, '/sign-in', { name, password })
    return browser
  }
  const consent: ConnectLab['consent'] = (page, person) =>
    goThrough(nextOf(page), `${publicly?.url ?? gateway.url}/connect/callback`, person)
  /** Who signs in again and again is held up. */
  const bearers = new Map<string, Promise<string>>()
  const opened = open.move()
  return {
    gateway,
    server,
    browserOf,
    bearerOf(name) {
      const known = bearers.get(name) ?? signIn(gateway.url, name, passwordOf(name))
      bearers.set(name, known)
      return known
    },
    consent,
    async connect(browser, name, login = 'somebody') {
      const leaving = await browser.submit(await browser.open(`/connect/${name}`), '/start')
      const back = await consent(leaving, { login })
      return browser.open(`${back.pathname}${back.search}`)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function makePeople({ api }: ManagedGateway): Promise<void> {
  for (const name of ['ann', 'bob', 'cid', 'dot']) {
    await made(api('POST', '/users', { body: { name, policies: name === 'dot' ? [] : ['all'] } }))
    await made(api('PUT', `/users/${name}/password`, { body: { password: passwordOf(name) } }))
  }
  await made(api('POST', '/users', { body: { name: 'robot', type: 'service', policies: ['all'] } }))
  const members = [
    { user: 'ann', role: 'admin' },
    { user: 'bob', role: 'member' },
  ]
  await made(api('POST', '/teams', { body: { name: 'blue', members, policies: ['all'] } }))
}

async function made(answer: ReturnType<ManagedGateway['api']>): Promise<void> {
  const { status, body } = await answer
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
}
