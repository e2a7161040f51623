import { expect, test } from 'vitest'
import { Book, type Entry } from './book.ts'

const claim = (ids: string[], by: string, atMs: number, leaseMs = 100): Entry => {
  return { kind: 'claim', name: `${by}-${atMs}`, ids, by, atMs, leaseMs }
}

test('who is first in the log has an id, until the claim is over or given up', () => {
  const book = new Book()
  expect(book.take(claim(['a', 'b'], 'one', 0))).toEqual(['mine', 'mine'])
  expect(book.take(claim(['b', 'c'], 'two', 50))).toEqual(['busy', 'mine'])
  expect(book.take(claim(['a'], 'one', 90))).toEqual(['mine'])
  expect(book.take(claim(['a', 'b'], 'two', 110))).toEqual(['busy', 'mine'])
  expect(book.take({ kind: 'forget', ids: ['a', 'b'], by: 'one' })).toEqual([])
  expect(book.take(claim(['a', 'b'], 'three', 120))).toEqual(['mine', 'busy'])
})

test('what was worked off is done for everybody, as long as it is kept', () => {
  const book = new Book()
  book.take(claim(['a'], 'one', 0))
  expect(book.take({ kind: 'done', ids: ['a'], atMs: 10, keepMs: 1_000 })).toEqual([])
  expect(book.take(claim(['a'], 'one', 20))).toEqual(['done'])
  expect(book.take({ kind: 'forget', ids: ['a'], by: 'one' })).toEqual([])
  expect(book.take(claim(['a'], 'two', 1_009))).toEqual(['done'])
  expect(book.take(claim(['a'], 'two', 1_010))).toEqual(['mine'])
})

test('what is over is thrown away, so that it does not grow without an end', () => {
  const book = new Book()
  for (let atMs = 0; atMs < 50_000; atMs++) {
    book.take({ kind: 'done', ids: [`m${atMs}`], atMs, keepMs: 100 })
  }
  expect(book.size).toBeLessThanOrEqual(10_100)
})
