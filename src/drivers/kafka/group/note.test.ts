import fc from 'fast-check'
import { expect, it } from 'vitest'
import { noteIn, noteText } from './note.ts'

const empty = { crashes: 0, order: 'none', failures: new Map() } as const

it('nothing to note is no text, and what others have noted is nothing', () => {
  expect(noteText(7, empty)).toBe('')
  for (const text of [null, '', 'x', '7', 'null', '{"c":-1,"o":"up","f":{"a":1,"2":"x"}}']) {
    expect(noteIn(7, text)).toEqual(empty)
  }
})

it('what is noted is read again', () => {
  const count = fc.nat(1_000)
  const failures = fc.dictionary(fc.nat(300).map(String), fc.integer({ min: 1, max: 9 }))
  const order = fc.constantFrom('none', 'block', 'skip')
  fc.assert(
    fc.property(fc.nat(), count, order, failures, (offset, crashes, order, after) => {
      const by = Object.entries(after).map(([at, n]): [number, number] => [offset + Number(at), n])
      const note = { crashes, order, failures: new Map(by) }
      expect(noteIn(offset, noteText(offset, note))).toEqual(note)
    }),
    { seed: 7 },
  )
})

it('what was settled since is left out', () => {
  const failures = new Map([
    [3, 2],
    [9, 1],
  ])
  expect(noteText(5, { ...empty, failures })).toBe('{"f":{"4":1}}')
})

it('no text is longer than a broker takes, and those that come first are in it', () => {
  const failures = new Map(Array.from({ length: 2_000 }, (_, at) => [2_000 - at, 3]))
  const text = noteText(0, { ...empty, failures })
  expect(text.length).toBeLessThanOrEqual(4_000)
  const { failures: read } = noteIn(0, text)
  expect([...read.keys()]).toEqual(Array.from({ length: read.size }, (_, at) => at + 1))
  expect(read.size).toBeGreaterThan(400)
})
