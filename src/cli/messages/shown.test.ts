import { expect, test } from 'vitest'
import type { Stored } from '../../core/driver.ts'
import { Shown } from './shown.ts'

const stored = (id: string, body: string, over: Partial<Stored> = {}): Stored => ({
  message: {
    ...{ id, body, key: null, timeMs: 1, headers: {}, type: 't', bytes: body.length },
    source: 'narrowcast',
  },
  ...{ state: 'waiting', failures: 0, crashes: 0, redrives: 0 },
  ...over,
})
/** Of another program, whoever has taken it. */
const foreign = (body: string, id = ''): Stored => {
  const { message, ...rest } = stored(id, body)
  return { ...rest, message: { ...message, timeMs: Number.NaN } }
}

function looking() {
  const shown = new Shown()
  return (all: readonly Stored[], isExact = true) => {
    shown.begin()
    const fresh = all.filter((one) => shown.isNew(one)).map(({ message }) => message.id)
    shown.end(isExact)
    return fresh
  }
}

test('a message is new once, as long as it is there', () => {
  const look = looking()
  expect(look([stored('a', '1'), stored('b', '1')])).toEqual(['a', 'b'])
  expect(look([stored('b', '1'), stored('c', '1'), stored('b', '2')])).toEqual(['c', 'b'])
  for (let times = 0; times < 5; times++) expect(look([stored('b', '1')])).toEqual([])
})

test('what one look misses is not new in the next, what is gone for long is forgotten', () => {
  const look = looking()
  look([stored('a', '1')])
  look([])
  expect(look([stored('a', '1')])).toEqual([])
  for (let times = 0; times < 4; times++) look([])
  expect(look([stored('a', '1')])).toEqual(['a'])
})

test('messages without an id are counted by their content', () => {
  const look = looking()
  expect(look([foreign('1'), foreign('1'), foreign('2')])).toHaveLength(3)
  expect(look([foreign('1'), foreign('1'), foreign('2')])).toHaveLength(0)
  expect(look([foreign('1'), foreign('1'), foreign('1')])).toHaveLength(1)
  expect(look([foreign('1')])).toHaveLength(0)
  expect(look([foreign('1'), foreign('1')])).toHaveLength(1)
})

test('a look that was not at one moment may have missed some of them', () => {
  const look = looking()
  look([foreign('1'), foreign('1')])
  expect(look([foreign('1')], false)).toHaveLength(0)
  expect(look([foreign('1'), foreign('1')])).toHaveLength(0)
  for (let times = 0; times < 4; times++) look([foreign('1')], false)
  expect(look([foreign('1'), foreign('1')])).toHaveLength(1)
})

test('one that waited without an id is the same when it is given one', () => {
  const look = looking()
  look([foreign('1'), foreign('1')])
  expect(look([foreign('1'), foreign('1', 'reader-1')])).toEqual([])
  expect(look([foreign('1', 'reader-2'), foreign('1', 'reader-1')])).toEqual([])
  expect(look([foreign('1', 'reader-3'), foreign('1')])).toEqual(['reader-3', ''])
})

test('a delayed one is the same when it is due and has a position', () => {
  const look = looking()
  expect(look([stored('a', '1')])).toEqual(['a'])
  expect(look([stored('a', '1', { position: '7' }), stored('b', '1', { position: '8' })])).toEqual([
    'b',
  ])
  expect(look([stored('a', '1', { position: '9' })])).toEqual(['a'])
})
