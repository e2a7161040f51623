import { expect, test } from 'vitest'
import { displayWidth } from '../output/displayWidth.ts'
import { makeLook } from '../output/style.ts'
import { givenTo, relayFrame, type ScreenFacts } from './screen.ts'

const counts = {
  ...{ taken: 2_220, routed: 2_214, rerouted: 3, unknown: 0, noWorker: 6 },
  ...{ held: 0, dropped: 0 },
}
const workers = [
  ['w12-aaaaaaaa', 3],
  ['w4-bbbbbbbb', 1_473],
  ['w2-cccccccc', 738],
] as const

function factsOf(wish: Partial<ScreenFacts['relay']> = {}): ScreenFacts {
  return {
    channel: 'player.direct',
    url: 'file:./store',
    promise: 'narrowcast by relay: at most once',
    upMs: 60_000,
    rate: 37,
    relay: { counts, routedTo: new Map(workers), isReady: true, ...wish },
    inHand: (worker) => (worker.startsWith('w2-') ? 1 : null),
    look: makeLook({ noColor: true, ascii: false, env: {}, isTerminal: false }),
  }
}

test('what was taken, what became of it, and who got how many', () => {
  expect(relayFrame(factsOf(), 81)).toEqual([
    'relay player.direct  file:./store  narrowcast by relay: at most once    up 01:00',
    'taken 2,220  37/s   routed 2,214   no worker 6   tried a second worker 3',
    'w2 738 in hand 1   w4 1,473   w12 3',
    's plain output   p pause   q stop',
  ])
})

test('at the end it names how many each worker was given, twenty of them', () => {
  expect(givenTo({ routedTo: new Map(workers) })).toBe('given to   w2 738   w4 1,473   w12 3')
  expect(givenTo({ routedTo: new Map() })).toBeNull()
  const many = Array.from({ length: 23 }, (_, n) => [`w${n + 10}-aaaaaaaa`, 1] as const)
  expect(givenTo({ routedTo: new Map(many) })).toMatch(
    /^given to {3}w10 1 {3}.* {3}w29 1 {3}and 3 more$/,
  )
})

test('what is rare is told where it was, and that it only stands by', () => {
  const rare = { ...counts, held: 2, unknown: 1, dropped: 4 }
  expect(relayFrame(factsOf({ counts: rare, isReady: false }), 200)[1]).toBe(
    'stands by   taken 2,220  37/s   routed 2,214   no worker 6   held 2   unknown 1   dropped 4   tried a second worker 3',
  )
})

test('in a narrow window the promise and the workers take lines of their own', () => {
  const lines = relayFrame(factsOf(), 52)
  expect(lines.slice(0, 2)).toEqual([
    'relay player.direct  file:./store          up 01:00',
    'narrowcast by relay: at most once',
  ])
  expect(displayWidth(lines[0] as string)).toBe(51)
  expect(relayFrame(factsOf(), 40)).toContain('w2 738 in hand 1   w4 1,473   w12 3')
  expect(relayFrame(factsOf(), 30).slice(3, 5)).toEqual(['w2 738 in hand 1   w4 1,473', 'w12 3'])
})
