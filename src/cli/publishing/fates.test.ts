import { expect, it } from 'vitest'
import { type Fate, LineFates } from './fates.ts'

const all = (count: number, state: Fate | null) => Array.from({ length: count }, () => state)

it('joins what came to the same, over batches and over lines that are no message', () => {
  const fates = new LineFates()
  const first = fates.send([1, 2, 4])
  const second = fates.send([5, 6])
  first(['stored', null, 'stored'])
  second(all(2, 'stored'))
  fates.send([])([])
  expect(fates.stretches).toEqual([{ from: 1, to: 6, state: 'stored' }])
})

it('keeps the order of the input where a later batch has its answer first', () => {
  const fates = new LineFates()
  const first = fates.send([1, 2])
  const second = fates.send([3, 4])
  fates.send([5])(['stored'])
  second(['not_stored', 'stored'])
  expect(fates.stretches).toEqual([
    { from: 3, to: 3, state: 'not_stored' },
    { from: 4, to: 5, state: 'stored' },
  ])
  first(['stored', 'uncertain'])
  fates.leave(7)
  expect(fates.stretches).toEqual([
    { from: 1, to: 1, state: 'stored' },
    { from: 2, to: 2, state: 'uncertain' },
    { from: 3, to: 3, state: 'not_stored' },
    { from: 4, to: 5, state: 'stored' },
    { from: 7, to: null, state: 'not_stored' },
  ])
})

it('never joins what is on its way, and lets the rest join what was refused', () => {
  const fates = new LineFates()
  const first = fates.send([1])
  const held = fates.send([2])
  fates.send([3])(['stored'])
  first(['stored'])
  expect(fates.stretches).toHaveLength(2)
  held(['not_stored'])
  const last = fates.send([4])
  fates.leave(5)
  last(['not_stored'])
  expect(fates.stretches.slice(2)).toEqual([
    { from: 3, to: 3, state: 'stored' },
    { from: 4, to: null, state: 'not_stored' },
  ])
})
