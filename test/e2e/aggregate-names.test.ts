/** Several servers at one address: every tool's name says whose it is, fits what clients allow, and leads back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  namesOf,
  oddNames,
  shownServers,
  startAggregateLab,
  textsOf,
  type AggregateLab,
} from '../support/aggregate-lab.ts'
import { LegacySession, askModern } from '../support/raw/client.ts'

let lab: AggregateLab

beforeAll(async () => {
  lab = await startAggregateLab()
})

afterAll(() => lab[Symbol.asyncDispose]())

async function listAt(path: string, narrow?: string): Promise<string[]> {
  return namesOf(await askModern(lab.at(path, narrow), { method: 'tools/list' }), 'tools')
}

const call = (name: string) => askModern(lab.at('/mcp'), { method: 'tools/call', params: { name, arguments: {} } })

/** The servers whose tools these are, sorted. */
const serversOf = (names: string[]): string[] => [...new Set(names.map((name) => name.split('__')[0] ?? ''))].toSorted()

describe('the name of a tool', () => {
  it('begins with its server, fits 64 plain characters, and is no other tool’s', async () => {
    const names = await listAt('/mcp')
    expect(names).toHaveLength(shownServers.length * (oddNames.length + 1))
    expect(names).toContain('alpha__plain')
    expect(names).toContain('beta__dots.and-dashes')
    expect(names.filter((name) => !/^[A-Za-z0-9_.-]{1,64}$/.test(name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  it('is the same every time', async () => {
    expect(await listAt('/mcp', 'beta,alpha,gamma')).toEqual(await listAt('/mcp/alpha,beta,gamma'))
  })

  it.each(['alpha', 'beta'])('leads to the tool of %s by its own name, however odd', async (server) => {
    const names = (await listAt('/mcp')).filter((name) => name.startsWith(`${server}__`))
    const answers = await Promise.all(names.slice(0, oddNames.length).map(call))
    expect(answers.flatMap(textsOf)).toEqual(oddNames.map((name) => `${server}: ${name}`))
  })

  it('may begin with an alias of its server', async () => {
    expect(textsOf(await call('first__plain'))).toEqual(['alpha: plain'])
  })

  it('is the server’s own where it stands alone', async () => {
    expect(await listAt('/alpha/mcp')).toEqual([...oddNames, 'links'])
  })

  it('begins with the separator that is configured', async () => {
    await using other = await startAggregateLab({ separator: '-' })
    const params = { name: 'gamma-dots.and-dashes' }
    const answer = await askModern(other.at('/mcp'), { method: 'tools/call', params })
    expect(textsOf(answer)).toEqual(['gamma: dots.and-dashes'])
  })
})

describe('an address', () => {
  it.each([
    ['/mcp', shownServers],
    ['/mcp/alpha,gamma', ['alpha', 'gamma']],
    ['/mcp/gamma,%20alpha', ['alpha', 'gamma']],
    ['/mcp/team', ['alpha', 'beta']],
    ['/team/mcp', ['alpha', 'beta']],
    ['/mcp/docs,beta', ['alpha', 'beta']],
    ['/mcp/first,beta', ['alpha', 'beta']],
    ['/mcp/team,alpha', ['alpha', 'beta']],
  ])('%s serves %j', async (path, servers) => {
    expect(serversOf(await listAt(path))).toEqual(servers)
  })

  it.each(['/first/mcp', '/mcp/first'])('%s serves the server of an alias alone', async (path) => {
    expect(await listAt(path)).toContain('plain')
  })

  it.each(['/mcp/nobody', '/nobody/mcp', '/mcp/off', '/off/mcp', '/mcp/hidden', '/mcp/alpha,nobody'])(
    '%s is not found, and says the same as one that is not permitted',
    async (path) => {
      const addresses = [lab.at(path), lab.at('/mcp/delta')]
      const refusals = await Promise.all(addresses.map((to) => askModern(to, { method: 'tools/list' })))
      const [missing, denied] = refusals.map(({ status, error }) => {
        const { requestId: _id, ...data } = error?.data ?? {}
        return { status, ...error, data }
      })
      expect(missing?.status).toBe(404)
      expect(missing).toEqual(denied)
    },
  )
})

describe('x-mcp-servers', () => {
  it.each([
    ['alpha', ['alpha']],
    ['beta, alpha', ['alpha', 'beta']],
    ['team', ['alpha', 'beta']],
    ['first', ['alpha']],
    ['gamma,nobody', ['gamma']],
    ['nobody', []],
    ['delta', []],
    ['off', []],
    ['', []],
    [',', []],
  ])('%j narrows the aggregate to %j', async (narrow, servers) => {
    expect(serversOf(await listAt('/mcp', narrow))).toEqual(servers)
  })

  it('narrows for a legacy session too, and what is narrowed away cannot be called', async () => {
    await using session = await LegacySession.open(lab.at('/mcp', 'beta'))
    expect(serversOf(namesOf(await session.ask('tools/list'), 'tools'))).toEqual(['beta'])
    const { error } = await session.ask('tools/call', { name: 'alpha__plain', arguments: {} })
    expect(error).toMatchObject({ code: -32602 })
  })

  it('never widens what an address names', async () => {
    expect(await listAt('/mcp/alpha,beta', 'gamma')).toEqual([])
    expect(serversOf(await listAt('/mcp/alpha,beta', 'gamma,beta'))).toEqual(['beta'])
  })
})

describe('a token that may use nothing', () => {
  it('is shown nothing, and told of no server', async () => {
    const { result } = await askModern(lab.at('/mcp', undefined, 'none'), { method: 'tools/list' })
    expect(result?.['tools']).toEqual([])
    expect(JSON.stringify(result)).not.toMatch(/alpha|beta|gamma|delta/)
  })
})
