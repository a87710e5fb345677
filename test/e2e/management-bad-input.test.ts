/** Every way to get the form of a request wrong, tried on each operation of the management API: each is named, and nothing is written. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { operations } from '#contract/operations.ts'
import { resourceOperations } from '#contract/resource-operations.ts'
import { nameOf } from '../support/management-examples.ts'
import { isProblem, ManagementSweep, writing, type Refused } from '../support/management-sweep.ts'

let sweep: ManagementSweep

beforeAll(async () => {
  sweep = await ManagementSweep.start()
}, 60_000)
afterAll(() => sweep?.[Symbol.asyncDispose]())

const byName = (one: string, other: string): number => one.localeCompare(other)

it('has an example of each operation that takes a body, or changes something', () => {
  expect(Object.keys(sweep.examples).toSorted(byName)).toEqual(writing.map(({ id }) => id).toSorted(byName))
})

describe.each(writing)('the body of $id', (operation) => {
  it('is JSON, and not too much of it', async () => {
    const { body } = sweep.exampleOf(operation)
    const text = JSON.stringify(body)
    const inWords = (type: string) => ({ headers: { 'content-type': type }, ends: '415 unsupported_media_type' })
    const nested = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`
    const some: Refused[] = [
      { what: 'half a body', body: text.slice(0, -1), ends: '400 parse_error' },
      { what: 'two bodies', body: text + text, ends: '400 parse_error' },
      { what: 'no JSON', body: 'name=a', ends: '400 parse_error' },
      { what: 'a form', body: 'a=b', ...inWords('application/x-www-form-urlencoded') },
      { what: 'JSON as text', body: text, ...inWords('text/plain') },
      { what: 'JSON of another kind', body: text, ...inWords('application/jsonp') },
      { what: 'too deep', body: nested, ends: '400 body_too_deep' },
      { what: '10 MB', body: JSON.stringify({ ...body, name: 'x'.repeat(10_000_000) }), ends: '413 body_too_large' },
    ]
    expect(await sweep.misses(operation, some)).toEqual([])
  })

  it('is an object that has the members that it may have, each of its type', async () => {
    const { body } = sweep.exampleOf(operation)
    const inner = JSON.stringify(body).slice(1, -1)
    const others = ['[]', '"a"', '7', 'null', 'true', JSON.stringify([body]), JSON.stringify(JSON.stringify(body))]
    const members = ['"nonsense":1', '"$where":"1"', '"__proto__":{"isAdmin":true}', '"constructor":{}', '"Name":"a"']
    const bodies = [
      ...others,
      ...members.map((member) => `{${[inner, member].filter((part) => part !== '').join(',')}}`),
      ...wrongTypes(operation.body, body).map((changed) => JSON.stringify({ ...body, ...changed })),
    ]
    // RFC 6749 §5.2.
    const ends = operation.id === 'refreshSessionToken' ? '400 invalid_params' : '422 invalid_body'
    const some = bodies.map((text) => ({ what: text, body: text, ends }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

/** For each member that there may be: a value of another type, as a form or a query language would send it. */
function wrongTypes(schema: z.ZodType | undefined, body: object): Record<string, unknown>[] {
  if (!schema) return []
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const keys = new Set([...Object.keys(properties), ...Object.keys(body)])
  return [...keys].map((key) => {
    const property = properties[key]
    const type = typeof property === 'object' ? property.type : 'string'
    if (type === 'string' || type === 'array') return { [key]: { $gt: '' } }
    return { [key]: type === undefined || type === 'object' ? 7 : 'seven' }
  })
}

describe.each(writing.filter(({ path }) => path.includes('{ref}')))('$id', (operation) => {
  it('does nothing with what there is not', async () => {
    const kind = resourceOperations.find(({ id }) => id === operation.id)?.kind
    const ofAnotherKind = nameOf(kind === 'policy' ? 'server' : 'policy', 'a')
    const ids = ['usr_AAAAAAAAAAAAAAAAAAAA', 'cfg_srv_one', 'ses_AAAAAAAAAAAAAAAAAAAA', 'nobody', '__proto__']
    const odd = ["' or 1=1 --", '%', '*', '{{7*7}}', '${7*7}', 'a-usеr', 'ａ-user', 'a-user\0', ' a-user', 'A-USER']
    const refs = [ofAnotherKind, await idOf(ofAnotherKind), ...ids, ...odd, 'x'.repeat(150)]
    const some = refs.map((ref) => ({ what: ref, ref: encodeURIComponent(ref), ends: '404 no_such_resource' }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

async function idOf(name: string): Promise<string> {
  const path = name === 'a-policy' ? '/policies/a-policy' : '/servers/a-server'
  return String((await sweep.gateway.api('GET', path)).body['id'])
}

describe.each(writing.filter(({ precondition }) => precondition === 'if-match'))('$id', (operation) => {
  it('changes no version but the one that was seen', async () => {
    const tags = ['"99"', '"0"', 'W/"1"', '1', '"1", "2"', '"1 or 1=1"', '"99999999999999999999"', '']
    const some = tags.map((tag) => ({ what: tag, headers: { 'if-match': tag }, ends: '412 version_conflict' }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

const keyed = writing.filter(({ method, isOpen, isQuestion }) => method === 'POST' && !isOpen && !isQuestion)

describe.each(keyed)('$id', (operation) => {
  it('is done under no key that is none', async () => {
    const keys = ['x'.repeat(201), 'with space', '\u00e9', '']
    const some = keys.map((key) => ({ what: key, headers: { 'idempotency-key': key }, ends: '400 invalid_params' }))
    expect(await sweep.misses(operation, some)).toEqual([])
  })
})

describe('another method', () => {
  const methods = ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

  it.each([...new Set(operations.map(({ path }) => path))])(
    'is refused at %s, which says what may be',
    async (path) => {
      const known: string[] = operations.filter((one) => one.path === path).map(({ method }) => method)
      for (const method of methods.filter((one) => !known.includes(one))) {
        const answer = await sweep.gateway.api(method, path.replace('{ref}', 'a'), { body: '{"half' })
        expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
        expect(isProblem(answer)).toBe(true)
        expect(answer.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(known))
      }
    },
  )
})

describe('at the end', () => {
  it('each example is taken, so that what was refused was wrong in one thing only', async () => {
    const refused: string[] = []
    for (const operation of writing) {
      const { status, body } = await sweep.ask(operation, sweep.exampleOf(operation))
      if (status !== operation.status) refused.push(`${operation.id}: ${status} ${JSON.stringify(body)}`)
    }
    expect(refused).toEqual([])
  })

  it('nothing of it was a defect', () => {
    expect(sweep.gateway.program.stderr()).not.toContain('a defect')
  })
})
