import { describe, expect, it } from 'vitest'
import { knownContentOf, withStructuredText, type KnownContent } from './known-content.ts'

const link = {
  type: 'resource_link',
  uri: 'file:///a.txt',
  name: 'a',
  mimeType: 'text/plain',
  description: 'the first',
}
const audio = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }
const text = { type: 'text', text: 'hello', _meta: { own: 1 }, newField: true }
const linkAsText = { type: 'text', text: 'Resource link: a: file:///a.txt (text/plain)\nthe first' }
const audioAsText = { type: 'text', text: 'Left out: audio (audio/wav), which MCP 2024-11-05 cannot carry.' }

function known(revision: string): KnownContent {
  const content = knownContentOf(revision)
  if (!content) throw new Error(`${revision} knows every type`)
  return content
}

describe('content that a revision does not know', () => {
  it.each(['2025-06-18', '2025-11-25', '2026-07-28'])('does not exist for %s', (revision) => {
    expect(knownContentOf(revision)).toBeNull()
  })

  it('is said in text, where it stands', () => {
    expect(known('2024-11-05').apply({ content: [text, link, audio], isError: true })).toEqual({
      content: [text, linkAsText, audioAsText],
      isError: true,
    })
  })

  it('is no audio for 2025-03-26, which brought it', () => {
    expect(known('2025-03-26').apply({ content: [audio, link] })).toEqual({ content: [audio, linkAsText] })
  })

  it.each([
    ['a message of one block', { role: 'user', content: link }, { role: 'user', content: linkAsText }],
    ['a message of several', { role: 'user', content: [text, link] }, { role: 'user', content: [text, linkAsText] }],
    [
      'a tool’s result in a message',
      { role: 'user', content: [{ type: 'tool_result', toolUseId: 't', content: [audio] }] },
      { role: 'user', content: [{ type: 'tool_result', toolUseId: 't', content: [audioAsText] }] },
    ],
  ])('is found in %s', (_where, message, expected) => {
    const holder = { messages: [message], description: 'a prompt' }
    expect(known('2024-11-05').apply(holder)).toEqual({ messages: [expected], description: 'a prompt' })
  })

  it('keeps what text has as well', () => {
    const more = { annotations: { priority: 1 }, _meta: { a: 1 } }
    const { content } = known('2024-11-05').apply({ content: [{ ...audio, ...more }] })
    expect(content).toEqual([{ ...audioAsText, ...more }])
  })

  it.each([
    [{ type: 'resource_link', uri: 'a:b', name: 'b', title: 'The B' }, 'Resource link: The B: a:b'],
    [{ type: 'resource_link', uri: 'a:b' }, 'Resource link: a:b'],
    [{ type: 'resource_link', uri: 5, name: '' }, 'Resource link: '],
    [{ type: 'audio', mimeType: 7 }, 'Left out: audio, which MCP 2024-11-05 cannot carry.'],
  ])('is told as far as it says something: %j', (block, expected) => {
    expect(known('2024-11-05').apply({ content: [block] })).toEqual({ content: [{ type: 'text', text: expected }] })
  })

  it('leaves what nobody knows, and what is no content', () => {
    const strange = { content: [{ type: 'hologram', data: 'x' }, null, 'audio', 5], other: [audio] }
    expect(known('2024-11-05').apply(strange)).toEqual(strange)
    expect(known('2024-11-05').apply({ contents: [{ uri: 'a:b', text: 'x' }] })).toEqual({
      contents: [{ uri: 'a:b', text: 'x' }],
    })
  })

  it('is suspected only where its word stands', () => {
    const old = known('2024-11-05')
    expect(old.concerns(JSON.stringify({ result: { content: [text] } }))).toBe(false)
    for (const holder of [{ content: [audio] }, { content: [link] }, { structuredContent: 1 }])
      expect(old.concerns(JSON.stringify({ result: holder }))).toBe(true)
    expect(known('2025-03-26').concerns(JSON.stringify({ content: [audio] }))).toBe(false)
  })
})

describe('structured content', () => {
  it.each([
    [{ structuredContent: { a: 1 } }, '{"a":1}'],
    [{ structuredContent: [1, 2], content: [] }, '[1,2]'],
  ])('is the content of a result that has no other: %j', (result, expected) => {
    const told = { ...result, content: [{ type: 'text', text: expected }] }
    expect(withStructuredText(result)).toEqual(told)
    expect(known('2025-03-26').apply(result)).toEqual(told)
  })

  it('stands beside content that says the same', () => {
    const result = { structuredContent: { a: 1 }, content: [text] }
    expect(withStructuredText(result)).toBe(result)
    expect(known('2024-11-05').apply(result)).toEqual(result)
  })
})
