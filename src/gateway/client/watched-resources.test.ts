import { describe, expect, it } from 'vitest'
import { failureOf } from '#test/support/failure.ts'
import { WatchedResources } from './watched-resources.ts'

describe('a watched resource', () => {
  it('is one server’s', () => {
    const watched = new WatchedResources()
    watched.add('files', 'file:///a')
    expect([watched.has('files', 'file:///a'), watched.has('other', 'file:///a')]).toEqual([true, false])
    expect([[...watched.of('files')], [...watched.of('other')]]).toEqual([['file:///a'], []])
    expect([watched.hasAny('files'), watched.hasAny('other')]).toEqual([true, false])
  })

  it('is watched until the last wish for it is taken back', () => {
    const watched = new WatchedResources()
    const [first, second] = [watched.add('files', 'a:b'), watched.add('files', 'a:b')]
    first.takeBack()
    first.takeBack()
    expect(watched.has('files', 'a:b')).toBe(true)
    second.takeBack()
    expect(watched.has('files', 'a:b')).toBe(false)
    expect(watched.hasAny('files')).toBe(false)
  })

  it('is kept once it is agreed to, however often it was wished for', () => {
    const watched = new WatchedResources()
    const [first, second] = [watched.add('files', 'a:b'), watched.add('files', 'a:b')]
    first.keep()
    second.takeBack()
    first.takeBack()
    expect(watched.has('files', 'a:b')).toBe(true)
    watched.delete('files', 'a:b')
    expect(watched.has('files', 'a:b')).toBe(false)
    first.keep()
    expect(watched.has('files', 'a:b')).toBe(false)
  })

  it('is given up whoever wished for it, and a wish of before takes back nothing of after', () => {
    const watched = new WatchedResources()
    const before = watched.add('files', 'a:b')
    watched.delete('files', 'a:b')
    watched.delete('never', 'watched')
    expect(watched.has('files', 'a:b')).toBe(false)
    watched.add('files', 'a:b')
    before.takeBack()
    before.keep()
    expect(watched.has('files', 'a:b')).toBe(true)
  })

  it('has a name of bounded length, as it is kept', async () => {
    const watched = new WatchedResources()
    const tooLong = async () => watched.add('files', `a:${'b'.repeat(8_191)}`)
    expect(await failureOf(tooLong())).toMatchObject({ code: 'invalid_params', details: { uriCharsMax: 8_192 } })
    expect(() => watched.add('files', `a:${'b'.repeat(8_190)}`)).not.toThrow()
  })

  it('is refused above their number, at all servers together, until one is given up', async () => {
    const watched = new WatchedResources()
    for (let i = 0; i < 1_000; i++) watched.add(`server-${i % 2}`, `a:${i}`)
    const tooMany = async () => watched.add('another', 'a:b')
    expect(await failureOf(tooMany())).toMatchObject({ code: 'rate_limited', details: { watchesMax: 1_000 } })
    expect(watched.has('another', 'a:b')).toBe(false)
    watched.add('server-0', 'a:0')
    watched.delete('server-1', 'a:1')
    expect(() => watched.add('another', 'a:b')).not.toThrow()
  })
})
