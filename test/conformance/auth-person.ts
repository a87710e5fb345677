/** What a scenario adds to the gateway: its server, and a person who uses it. Imports little, as each scenario is a process. */
import { z } from 'zod'

/** Where the gateway is, and what its admin has after signing in. */
export const Site = z.object({ url: z.string(), bearer: z.string() })
export type Site = z.infer<typeof Site>

/** In which the client under test finds its site, as JSON. */
export const siteVariable = 'TOOLGATE_CONFORMANCE_SITE'

export type Person = {
  name: string
  password: string
  /** Of MCP clients. */
  token: string
}

const Minted = z.object({ secret: z.string() })

/** @param role `admin` where the account is the gateway's: admins connect it */
export async function addPerson(site: Site, name: string, role: 'member' | 'admin'): Promise<Person> {
  const password = `the long password of ${name}`
  await manage(site, 'POST /users', { name, role, policies: ['all'] })
  await manage(site, `PUT /users/${name}/password`, { password })
  const minted = await manage(site, 'POST /tokens', { name, owner: { kind: 'user', ref: name } })
  return { name, password, token: Minted.parse(JSON.parse(minted)).secret }
}

/** @returns its own endpoint, where the names of tools pass unchanged */
export async function addServer(site: Site, name: string, server: { url: string; credential: object }): Promise<URL> {
  await manage(site, 'POST /servers', { name, transport: { kind: 'streamable_http', ...server } })
  return new URL(`${site.url}/${name}/mcp`)
}

/** @param operation method, and path below the management API */
async function manage({ url, bearer }: Site, operation: string, body: object): Promise<string> {
  const [method = '', path = ''] = operation.split(' ')
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${operation} was answered with ${answer.status} ${text}`)
  return text
}
