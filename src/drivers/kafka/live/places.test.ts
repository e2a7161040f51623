import { expect, test } from 'vitest'
import { Places } from './places.ts'
import type { KafkaSubscriber } from './subscriber.ts'

const subscriber = (isAway: boolean) => ({ isAway }) as KafkaSubscriber
const worker = (id: string, incarnation = 'one') => ({ id, incarnation })

test('a place is kept for the same start of a worker, on the same topic', () => {
  const places = new Places()
  const place = places.enter('news', worker('a'), 'topic-1')
  place.offsets.push(7, 9)
  expect(places.enter('news', worker('a'), 'topic-1')).toBe(place)
  expect(places.enter('news', worker('b'), 'topic-1').offsets).toEqual([])
  expect(places.enter('old', worker('a'), 'topic-1').offsets).toEqual([])
  const next = places.enter('news', worker('a', 'two'), 'topic-1')
  expect(next.offsets).toEqual([])
  next.offsets.push(8)
  expect(places.enter('news', worker('a', 'two'), 'topic-2').offsets).toEqual([])
})

test('who has lost its place to another does not end it by leaving', () => {
  const places = new Places()
  const [before, after] = [subscriber(true), subscriber(false)]
  const place = places.enter('news', worker('a'), 'topic-1')
  place.subscriber = after
  places.leave(before)
  expect(places.of('news', worker('a'))).toBe(place)
  places.leave(after)
  expect(places.of('news', worker('a'))).toBe(null)
})

test('of those who are away the longest is forgotten beyond 1,000, and of those who are here none', () => {
  const places = new Places()
  places.enter('news', worker('here'), 'topic-1').subscriber = subscriber(false)
  for (let n = 0; n <= 1_000; n++) {
    places.enter('news', worker(`away-${n}`), 'topic-1').subscriber = subscriber(true)
  }
  places.enter('news', worker('last'), 'topic-1')
  const isKept = (id: string) => places.of('news', worker(id)) !== null
  expect(['here', 'away-0', 'away-1', 'away-1000', 'last'].map(isKept)).toEqual([
    ...[true, false, true, true, true],
  ])
})
