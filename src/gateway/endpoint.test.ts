import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { channelUpstream, server } from '#test/support/upstreams.ts'
import { Registry } from './endpoint.ts'

const clock = new FakeClock()

function registryOf(...definitions: Parameters<typeof server>[]): Registry {
  return new Registry(definitions.map((definition) => channelUpstream(server(...definition), { clock })))
}

const names = (endpoint: { upstreams: readonly { name: string }[] }) => endpoint.upstreams.map(({ name }) => name)
const notFound = expect.objectContaining({ code: 'server_not_found' })

describe('Registry', () => {
  it('finds a server by its name or an alias; a real name wins', () => {
    const registry = registryOf(['git', { aliases: ['vcs', 'files'] }], ['files'])
    expect(registry.find('vcs')?.name).toBe('git')
    expect(registry.find('files')?.name).toBe('files')
    expect(registry.find('nobody')).toBeUndefined()
  })

  it('finds nothing by an alias that two servers have, for nobody knows which is meant', () => {
    const registry = registryOf(
      ['git', { aliases: ['vcs', 'vcs'] }],
      ['other', { aliases: ['vcs'] }],
      ['third', { aliases: ['vcs'] }],
    )
    expect(registry.find('vcs')).toBeUndefined()
    expect(() => registry.named('vcs')).toThrow(notFound)
    expect(registryOf(['git', { aliases: ['vcs', 'vcs'] }]).find('vcs')?.name).toBe('git')
  })

  it('offers everything that is enabled as one aggregate', () => {
    const registry = registryOf(['a'], ['b', { isEnabled: false }], ['c'])
    const all = registry.all()
    expect(all.kind).toBe('aggregate')
    expect(names(all)).toEqual(['a', 'c'])
    expect(registry.all()).toBe(all)
  })

  it('serves one server alone under its own names, by name or alias', () => {
    const registry = registryOf(['a', { aliases: ['other'] }], ['b'])
    expect(registry.named('a')).toMatchObject({ kind: 'single', key: 'single:a' })
    expect(registry.named('other').key).toBe(registry.named('a').key)
  })

  it('joins a list of names, or a label, in the order they are asked for and each once', () => {
    const registry = registryOf(['a', { labels: ['dev'] }], ['b', { labels: ['dev', 'ops'] }], ['c'])
    expect(names(registry.named('dev'))).toEqual(['a', 'b'])
    expect(registry.named('dev').kind).toBe('aggregate')
    expect(names(registry.named('c, ops ,a,b'))).toEqual(['c', 'b', 'a'])
    expect(registry.named('a,b').key).toBe(registry.named('dev').key)
  })

  it.each(['nobody', 'a,nobody', 'off'])('knows nothing under %s', (address) => {
    const registry = registryOf(['a'], ['off', { isEnabled: false }])
    expect(() => registry.named(address)).toThrow(notFound)
  })

  it('leaves a server that is not enabled out of a list', () => {
    expect(names(registryOf(['a'], ['off', { isEnabled: false }]).named('a,off'))).toEqual(['a'])
  })

  it('refuses a list of more names than anybody needs', () => {
    const registry = registryOf(['a'])
    expect(names(registry.named(Array.from({ length: 100 }, () => 'a').join(',')))).toEqual(['a'])
    expect(() => registry.named('a,'.repeat(100_000))).toThrow(notFound)
  })

  it('narrows an endpoint to the names that mean something in it, and to nothing where none does', () => {
    const registry = registryOf(['a', { aliases: ['first'] }], ['b', { labels: ['dev'] }], ['c'])
    const two = registry.named('a,b')
    expect(names(registry.narrowed(two, 'b,c,nobody'))).toEqual(['b'])
    expect(names(registry.narrowed(two, 'dev,first'))).toEqual(['a', 'b'])
    expect(names(registry.narrowed(two, 'nobody'))).toEqual([])
    expect(names(registry.narrowed(two, ''))).toEqual([])
    expect(registry.narrowed(registry.named('a'), 'a').kind).toBe('single')
    expect(names(registry.narrowed(registry.named('a'), 'b'))).toEqual([])
  })

  it('narrows by names and aliases in any case, and by labels as they are written', () => {
    const registry = registryOf(['a', { aliases: ['first'], labels: ['Dev'] }], ['b', { labels: ['dev'] }])
    const all = registry.all()
    expect(names(registry.narrowed(all, 'B'))).toEqual(['b'])
    expect(names(registry.narrowed(all, 'FIRST'))).toEqual(['a'])
    expect(names(registry.narrowed(all, 'Dev'))).toEqual(['a'])
    expect(names(registry.narrowed(all, 'DEV'))).toEqual([])
    expect(() => registry.named('B')).toThrow(notFound)
  })

  it('is one endpoint for one set of servers, whatever it was asked by: what was built for it is found again', () => {
    const registry = registryOf(['a', { aliases: ['first'] }], ['b'])
    const all = registry.all()
    const one = registry.narrowed(all, 'a')
    for (let i = 0; i < 2_000; i++) expect(registry.narrowed(all, `a,${i}`)).toBe(one)
    expect(registry.narrowed(all, `a,${'x'.repeat(100_000)}`)).toBe(one)
    expect(registry.named('first')).toBe(registry.named('a'))
  })
})
