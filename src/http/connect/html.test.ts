import { describe, expect, it } from 'vitest'
import { html, nothing } from './html.ts'

describe('html', () => {
  it('escapes whatever could end a text or an attribute', () => {
    const value = `<script>alert("1")</script> & 'quoted'`
    expect(html`<p title="${value}">${value}</p>`.html).toBe(
      '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quoted&#39;">&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quoted&#39;</p>',
    )
  })

  it('takes HTML as it is, and lists of it', () => {
    const items = ['a', '<b>'].map((one) => html`<i>${one}</i>`)
    expect(html`<p>${items}${nothing}</p>`.html).toBe('<p><i>a</i><i>&lt;b&gt;</i></p>')
  })

  it('shows no character that hides others or turns the direction of a text', () => {
    expect(html`${'pay\u202elap\u200b\u0007'}${7}`.html).toBe('pay lap  7')
  })
})
