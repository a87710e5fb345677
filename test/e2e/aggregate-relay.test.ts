/** Prompts, resources, templates and completions of several servers at one address: what is shown leads back to its server. */
import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { namesOf, shownServers, startAggregateLab, textsOf, uris, type AggregateLab } from '../support/aggregate-lab.ts'
import { listOf, openRaw } from '../support/raw/client.ts'

let lab: AggregateLab

beforeAll(async () => {
  lab = await startAggregateLab()
})

afterAll(() => lab[Symbol.asyncDispose]())

describe.each(['legacy', 'modern'] as const)('a %s client of an aggregate', (era) => {
  it('gets a prompt by the name that it was shown', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const names = namesOf(await client.ask('prompts/list'), 'prompts')
    expect(names.slice(0, 1)).toEqual(['alpha__greet'])
    const answers = await Promise.all(names.map((name) => client.ask('prompts/get', { name })))
    const own = ['greet', 'with/slash']
    expect(answers.flatMap(textsOf)).toEqual(shownServers.flatMap((server) => own.map((name) => `${server}: ${name}`)))
  })

  it('reads every resource back by the URI that it was shown', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const shown = listOf<{ uri: string }>(await client.ask('resources/list'), 'resources').map(({ uri }) => uri)
    expect(shown.slice(0, 1)).toEqual(['toolgate://alpha/test://same'])
    const answers = await Promise.all(shown.map((uri) => client.ask('resources/read', { uri })))
    expect(answers.flatMap(textsOf)).toEqual(shownServers.flatMap((server) => uris.map((uri) => `${server}: ${uri}`)))
    expect(answers.flatMap((answer) => listOf(answer, 'contents').map((part) => part['uri']))).toEqual(shown)
  })

  it('reads a resource of a template that it was shown', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const answer = await client.ask('resources/templates/list')
    const templates = listOf<{ uriTemplate: string }>(answer, 'resourceTemplates')
    const shown = templates.map(({ uriTemplate }) => new UriTemplate(uriTemplate).expand({ id: 'a b', q: '1' }))
    const answers = await Promise.all(shown.map((uri) => client.ask('resources/read', { uri })))
    expect(answers.flatMap(textsOf)).toEqual(shownServers.map((server) => `${server}: test://item/a%20b?q=1`))
  })

  it('reads back the resources that a tool’s result names', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const answer = await client.ask('tools/call', { name: 'gamma__links', arguments: {} })
    const [link, embedded] = listOf<{ uri?: string; resource?: { uri: string } }>(answer, 'content')
    const named = [link?.uri, embedded?.resource?.uri]
    const answers = await Promise.all(named.map((uri) => client.ask('resources/read', { uri })))
    expect(answers.flatMap(textsOf)).toEqual(['gamma: test://made-by/gamma', 'gamma: test://embedded'])
  })

  it('is told the URI that it asked for when there is no such resource', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const denied = 'toolgate://delta/test://same'
    for (const uri of ['toolgate://alpha/test://gone', 'toolgate://nobody/test://x', 'test://nowhere', denied]) {
      const { error } = await client.ask('resources/read', { uri })
      expect(error).toMatchObject({ code: era === 'legacy' ? -32002 : -32602, data: { uri } })
    }
  })

  it('completes the arguments of prompts and templates of the right server', async () => {
    await using client = await openRaw(era, lab.at('/mcp'))
    const argument = { name: 'id', value: 'a' }
    const refs = [
      { type: 'ref/prompt', name: 'beta__greet' },
      { type: 'ref/resource', uri: 'toolgate://gamma/test://item/{id}{?q}' },
    ]
    const answers = await Promise.all(refs.map((ref) => client.ask('completion/complete', { ref, argument })))
    expect(answers.map(({ result }) => result?.['completion'])).toMatchObject([
      { values: ['beta: {"type":"ref/prompt","name":"greet"}'] },
      { values: ['gamma: {"type":"ref/resource","uri":"test://item/{id}{?q}"}'] },
    ])
  })
})
