import { expect, test } from 'vitest'
import { escaped, markup } from './markup.ts'

test('what stands between the pieces is text', () => {
  const evil = `</p><script>alert('x')</script>"&`
  expect(markup`<p title="${evil}">${evil}</p>`.text).toBe(
    `<p title="${escaped(evil)}">${escaped(evil)}</p>`,
  )
  expect(escaped(evil)).toBe('&lt;/p&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;')
})

test('markup stands as it is, in lists too, and null is nothing', () => {
  const item = (text: string) => markup`<li>${text}</li>`
  expect(markup`<ul>${['a', 'b<'].map(item)}</ul>${null}${7}`.text).toBe(
    '<ul><li>a</li><li>b&lt;</li></ul>7',
  )
})

test('what XML cannot hold is replaced', () => {
  expect(escaped('a\u0000b\u001bc\ud800d\uffffe\tf\u{1f600}')).toBe(
    'a\ufffdb\ufffdc\ufffdd\ufffde\tf\u{1f600}',
  )
})
