import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Tally } from '../bench/flow/tally.ts'
import { type Consumer, firstNumber } from '../bench/flow/way.ts'
import { figure, inTurns, mostTarget, quantileOf, ratioTarget, shortly } from '../bench/harness.ts'
import { median } from '../src/lab/statistics/median.ts'

const root = join(import.meta.dirname, '..')

test('a figure holds its runs, the one in the middle, and the ratio to another', () => {
  const raw = figure('raw', 'rows/s', [40, 10, 20])
  const ours = figure('ours', 'rows/s', [10, 30], { against: raw, lost: 0 })
  expect(raw).toEqual({ what: 'raw', unit: 'rows/s', runs: [40, 10, 20], median: 20 })
  expect(ours.median).toBe(20)
  expect(ours.ratioTo).toEqual({ what: 'raw', ratio: 1 })
  expect(ours.lost).toBe(0)
})

test.for([[[]], [[1, Number.NaN]], [[Number.POSITIVE_INFINITY]]])(
  'runs that measured nothing are refused: %j',
  ([runs]) => {
    expect(() => figure('x', 'ms', runs as number[])).toThrow(/figure "x": expected/)
  },
)

test('the median and the quantiles look at values in order of size, not of text', () => {
  expect(median([9, 100, 10])).toBe(10)
  expect(median([1, 2])).toBe(1.5)
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)
  expect(quantileOf(hundred, 0.99)).toBe(100)
  expect(quantileOf(hundred, 0.5)).toBe(51)
})

test('the sides of a comparison take turns', async () => {
  const order: string[] = []
  const side = (name: string) => async (run: number) => order.push(`${name}${run}`)
  const runs = await inTurns(2, { a: side('a'), b: side('b') })
  expect(order).toEqual(['a0', 'b0', 'a1', 'b1'])
  expect(runs).toEqual({ a: [1, 3], b: [2, 4] })
})

test('a target says what was wanted and what came, met or not', () => {
  const raw = figure('raw', 'ms', [10])
  const ours = figure('ours', 'ms', [8])
  expect(ratioTarget(ours, 'min', 0.8, raw)).toEqual({
    ...{ what: 'ours', wanted: '≥ 0.8 × raw', got: '0.80 ×', isMet: true },
  })
  expect(ratioTarget(ours, 'min', 0.81, raw).isMet).toBe(false)
  expect(ratioTarget(ours, 'max', 0.8, raw)).toMatchObject({ wanted: '≤ 0.8 × raw', isMet: true })
  expect(ratioTarget(ours, 'max', 0.79, raw).isMet).toBe(false)
  expect(mostTarget(ours, 8)).toEqual({
    ...{ what: 'ours', wanted: '≤ 8 ms', got: '8.00 ms', isMet: true },
  })
  expect(mostTarget(ours, 7.9).isMet).toBe(false)
  expect(mostTarget(raw, 2, ours)).toMatchObject({
    ...{ wanted: '≤ 2 ms more than ours', got: '2.00 ms', isMet: true },
  })
  expect(mostTarget(raw, 1.9, ours).isMet).toBe(false)
})

test('what two names begin with is said once', () => {
  expect(shortly('queue, 100 B: raw', 'queue, 100 B: ours')).toBe('raw')
  expect(shortly('queue, 1 KB: raw', 'queue, 100 B: ours')).toBe('queue, 1 KB: raw')
  expect(shortly('raw one', 'raw two')).toBe('raw one')
})

test.for([
  [['redis', 'nonsense'], /there is no nonsense; .*, or of redis: queue, stream/],
  [['file', 'queue'], /there is no queue; there are: engine, file/],
  [['file', '--quick'], /file has no --quick/],
] as const)('a word that names no benchmark and no part is refused: %j', ([words, text]) => {
  const ran = spawnSync(process.execPath, ['bench/main.ts', ...words], { cwd: root })
  expect(ran.stderr.toString()).toMatch(text)
  expect(ran.status).toBe(2)
})

/** Hands out these messages, settles each, and one more of them while it ends. */
function consumerOf(numbers: readonly number[], last: number): Consumer {
  let late = () => {}
  return {
    async start(came) {
      for (const n of numbers) {
        came.message({ n: firstNumber + n, text: '' })
        came.settled(1)
      }
      late = () => came.message({ n: firstNumber + last, text: '' })
    },
    async [Symbol.asyncDispose]() {
      late()
    },
  }
}

test.for([
  [[0, 1, 2], 2, { lost: 0, duplicated: 1 }],
  [[0, 2], 0, { lost: 1, duplicated: 1 }],
  [[0, 0, 0], 1, { lost: 1, duplicated: 2 }],
] as const)(
  'what came twice or never is counted: %j, and %i later',
  async ([numbers, last, counts]) => {
    const consumer = consumerOf(numbers, last)
    const tally = new Tally(3, 5)
    await tally.start(consumer)
    expect(await tally.drained(consumer)).toMatchObject(counts)
  },
)

test('who joins others first is timed from then on, and else from when it began', async () => {
  const joining: Consumer = {
    async start(came) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      came.settled(3)
    },
    async [Symbol.asyncDispose]() {},
  }
  const took = async (joinsFirst: boolean) => {
    const tally = new Tally(3, 5)
    await tally.start(joining, joinsFirst)
    const { startMs, endMs } = await tally.drained(joining)
    return endMs - startMs
  }
  expect(await took(true)).toBeLessThanOrEqual(0)
  expect(await took(false)).toBeGreaterThan(0)
})
