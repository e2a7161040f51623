import { describe, expect, it } from 'vitest'
import { type Line, linesOf } from './lines.ts'

async function all(chunks: readonly (string | Buffer)[], bytesMax = 20): Promise<Line[]> {
  async function* input() {
    yield* chunks
  }
  const lines: Line[] = []
  for await (const some of linesOf(input(), bytesMax)) lines.push(...some)
  return lines
}

describe('linesOf', () => {
  it('puts lines together across chunks', async () => {
    expect(await all(['{"a":', '1}\n{"b"', ':2}\n', '{"c":3}'])).toEqual([
      { number: 1, text: '{"a":1}' },
      { number: 2, text: '{"b":2}' },
      { number: 3, text: '{"c":3}' },
    ])
  })

  it('leaves out empty lines but counts them, and takes Windows line ends', async () => {
    expect(await all(['1\r\n\r\n  \n4\r\n'])).toEqual([
      { number: 1, text: '1' },
      { number: 4, text: '4' },
    ])
  })

  it('keeps characters whole that lie across two chunks', async () => {
    const bytes = Buffer.from('"日本"\n')
    expect(await all([bytes.subarray(0, 3), bytes.subarray(3)])).toEqual([
      { number: 1, text: '"日本"' },
    ])
  })

  it('never holds more than the longest line, and goes on after it', async () => {
    const chunks = ['ok\n', ...Array.from({ length: 10 }, () => 'x'.repeat(15)), '\nafter\n']
    expect(await all(chunks)).toEqual([
      { number: 1, text: 'ok' },
      { number: 2, text: null, why: 'tooLong' },
      { number: 3, text: 'after' },
    ])
    expect(await all(['x'.repeat(21)])).toEqual([{ number: 1, text: null, why: 'tooLong' }])
    expect(await all(['x'.repeat(50), 'y'])).toEqual([{ number: 1, text: null, why: 'tooLong' }])
  })

  it('never replaces bytes that are not UTF-8, and goes on after them', async () => {
    const chunks = [Buffer.from('"a"\n"\xff"\n"\xe6', 'latin1'), '\n"b"\n', Buffer.from([0xe6])]
    expect(await all(chunks)).toEqual([
      { number: 1, text: '"a"' },
      { number: 2, text: null, why: 'notUtf8' },
      { number: 3, text: null, why: 'notUtf8' },
      { number: 4, text: '"b"' },
      { number: 5, text: null, why: 'notUtf8' },
    ])
  })

  it('gives nothing for nothing', async () => expect(await all([])).toEqual([]))
})
