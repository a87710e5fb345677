/** Texts that one database takes and another does not: NUL, and halves of characters. None of them is a failure of the gateway. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startProgram, type Program } from '../support/cli/run-program.ts'
import { callApi, passwordIn, signIn, type ApiAnswer } from '../support/management.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'

describe.each(['SQLite', 'PostgreSQL'])('over %s', { timeout: postgresStartMsMax }, (database) => {
  const createDatabase = postgresDatabases()
  let folder: string
  let program: Program
  let url: string
  let bearer: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'toolgate-texts-'))
    const storage = database === 'SQLite' ? {} : { postgres: await createDatabase() }
    await writeFile(join(folder, 'toolgate.yaml'), stringify({ listen: { port: 0 }, storage, servers: {} }))
    const env = { TOOLGATE_SECRET_KEY: randomBytes(32).toString('base64') }
    program = startProgram(['serve'], { cwd: folder, env })
    url = await program.untilUp()
    bearer = await signIn(url, 'admin', passwordIn(program.stdout()))
  }, postgresStartMsMax)
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    callApi(url, { method, path, bearer, ...(body === undefined ? {} : { body }) })

  const odd = { 'a NUL': 'a\0b', 'half a character': 'a\ud800b', 'a character of four bytes': 'a😀b' }

  it.each(Object.entries(odd))('%s in a body is kept, or refused', async (what, text) => {
    const name = what.replaceAll(' ', '-').toLowerCase()
    const bodies: [string, Record<string, unknown>][] = [
      ['/teams', { name, description: text }],
      ['/users', { name, displayName: text }],
      ['/policies', { name, description: text, rules: [{ server: text, tool: text, level: 'read' }] }],
      ['/agents', { name, instructions: text, model: text }],
      ['/toolsets', { name, tools: [] }],
      ['/tokens', { name, accessGroups: [text] }],
      ['/sessions', { agent: name, title: text, prompt: text, details: { task: text } }],
    ]
    const failed: string[] = []
    for (const [path, body] of bodies) {
      const { status, body: told } = await ask('POST', path, body)
      if (status !== 201 && told['code'] !== 'invalid_body') failed.push(`${path}: ${JSON.stringify(told)}`)
    }
    expect(failed).toEqual([])
    for (const path of ['/teams', '/users', '/policies', '/agents', '/tokens', '/sessions'])
      expect([path, (await ask('GET', path)).status]).toEqual([path, 200])
  })

  it.each(Object.entries(odd))('%s in a query finds nothing, or is refused', async (_, text) => {
    const value = encodeURIComponent(text.toWellFormed())
    const cursor = Buffer.from(text.toWellFormed()).toString('base64url')
    const paths = [
      `/teams?labels=${value}%3D${value}`,
      `/teams?cursor=${cursor}`,
      `/teams?references=user:${value}`,
      `/sessions?agent=${value}`,
      `/sessions?after=${value}`,
      `/audit?tokenName=${value}&target=${value}&method=${value}&requestId=${value}&server=${value}&outcome=${value}`,
      `/access/explain?server=${value}&tool=${value}&token=${value}`,
    ]
    const failed: string[] = []
    for (const path of paths) {
      const { status, body } = await ask('GET', path)
      if (status >= 500) failed.push(`${path}: ${JSON.stringify(body)}`)
    }
    expect(failed).toEqual([])
  })

  it('is no defect', () => {
    expect(program.stderr()).not.toContain('a defect')
  })
})
