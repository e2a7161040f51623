import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DepthSample } from '../evidence/evidence.ts'
import type { TimedEvent } from './history.ts'
import { recoveryOf } from './recovery.ts'

const seed = 20_266
const baseNs = 5_000_000_000n

interface Told {
  /** Down and up, in ms. */
  readonly downs: readonly (readonly [downMs: number, upMs: number])[]
  /** Of each message, in ms; null: never. */
  readonly messages: readonly (readonly [okMs: number | null, doneMs: number | null])[]
  readonly depths?: readonly (readonly [
    ms: number,
    waiting: number | 'unknown',
    inFlight?: number,
  ])[]
}

function recovery({ downs, messages, depths = [] }: Told) {
  const events = downs.flatMap(([downMs, upMs]): TimedEvent[] => [
    { ...moment(downMs), event: 'BROKER_DOWN', how: 'stop' },
    { ...moment(upMs), event: 'BROKER_UP', how: null },
  ])
  events.sort((a, b) => a.fromNs - b.fromNs)
  const ns = (ms: number | null) => (ms === null ? Number.NaN : ms * 1e6)
  return recoveryOf(
    { baseNs, events, okNs: Float64Array.from(messages, ([okMs]) => ns(okMs)) },
    { group: 'g', firstDoneNs: Float64Array.from(messages, ([, doneMs]) => ns(doneMs)) },
    depths.flatMap(([ms, waiting, inFlight = 0]): DepthSample[] => {
      const sample = {
        ...{ timeNs: baseNs + BigInt(ms * 1e6), group: 'g', waiting, inFlight },
        ...{ scheduled: 1, dead: 70, stored: 90 },
      }
      return [sample, { ...sample, group: 'other', waiting: 1_000 }]
    }),
  )
}

function moment(ms: number) {
  return { fromNs: ms * 1e6, toNs: ms * 1e6, actor: null }
}

describe('the longest wait', () => {
  const flow = [10, 20, 30, 40, 90, 100, 120, 130, 140, 190, 200, 270, 280].map(
    (ms) => [ms, ms + 1] as const,
  )

  it('overlaps the fault, or lies in what follows until the next one', () => {
    const found = recovery({
      downs: [
        [35, 60],
        [145, 150],
      ],
      messages: flow.toReversed(),
    })
    expect(found).toMatchObject([
      { fault: 'broker-stop', fromNs: 35e6, toNs: 60e6, rtoPublishMs: 50, rtoConsumeMs: 50 },
      { rtoPublishMs: 70, rtoConsumeMs: 70 },
    ])
  })

  it('is not that into which the next fault fell', () => {
    expect(
      recovery({
        downs: [
          [12, 13],
          [145, 150],
        ],
        messages: flow,
      }),
    ).toMatchObject([{ rtoPublishMs: 50 }, { rtoPublishMs: 70 }])
    expect(
      recovery({
        downs: [
          [105, 106],
          [145, 150],
        ],
        messages: flow,
      }),
    ).toMatchObject([{ rtoPublishMs: 20 }, { rtoPublishMs: 70 }])
  })

  it('is of two faults where both were there', () => {
    // Both are over when the broker is back.
    expect(
      recovery({
        downs: [
          [35, 60],
          [36, 61],
          [145, 150],
        ],
        messages: flow,
      }),
    ).toMatchObject([
      { fromNs: 35e6, toNs: 60e6, rtoPublishMs: 50 },
      { fromNs: 36e6, toNs: 60e6, rtoPublishMs: 50 },
      { rtoPublishMs: 70 },
    ])
  })

  it('is unknown where nothing came after', () => {
    expect(recovery({ downs: [[285, 290]], messages: flow })).toMatchObject([
      { rtoPublishMs: null, rtoConsumeMs: null, oldestMs: null },
    ])
    const undone = flow.map(([okMs]) => [okMs, null] as const)
    expect(recovery({ downs: [[35, 60]], messages: undone })).toMatchObject([
      { rtoPublishMs: 70, rtoConsumeMs: null, oldestMs: null },
    ])
    expect(recovery({ downs: [], messages: flow })).toEqual([])
  })
})

describe('the oldest', () => {
  it('is the one that waited longest to be done, in the window or after it', () => {
    const found = recovery({
      downs: [
        [50, 60],
        [200, 210],
      ],
      messages: [
        [0, 49], // before
        [40, 70],
        [80, 95],
        [90, null], // its loss is told elsewhere
        [150, 300], // the next fault held it up
      ],
    })
    expect(found.map(({ oldestMs }) => oldestMs)).toEqual([30, 150])
  })
})

it('waits are what nested loops find', () => {
  const message = fc.tuple(fc.option(fc.nat(99)), fc.option(fc.nat(99)))
  const bounds = fc.uniqueArray(fc.nat(99), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), bounds, (messages, unsorted) => {
      const [a, b, c, d] = unsorted.toSorted((x, y) => x - y) as [number, number, number, number]
      const concerned = (begin: number, end: number) => [
        (begin < b && end > a) || (begin >= b && end <= c),
        begin < d ? end > c : true,
      ]
      /** The longest of all waits, by window. */
      const longest = (waits: readonly (readonly [number, number])[]) =>
        [0, 1].map((window) => {
          const own = waits.filter((wait) => concerned(...wait)[window])
          return own.length === 0 ? null : Math.max(...own.map(([begin, end]) => end - begin))
        })
      const gaps = (times: readonly (number | null)[]) => {
        const sorted = times.filter((ms) => ms !== null).sort((x, y) => x - y)
        return sorted.slice(1).map((end, at) => [sorted[at] as number, end] as const)
      }
      const ages = messages.flatMap(([ok, done]) =>
        ok !== null && done !== null && done > ok ? [[ok, done] as const] : [],
      )
      const found = recovery({
        downs: [
          [a, b],
          [c, d],
        ],
        messages,
      })
      expect(found.map(({ rtoPublishMs }) => rtoPublishMs)).toEqual(
        longest(gaps(messages.map(([ok]) => ok))),
      )
      expect(found.map(({ rtoConsumeMs }) => rtoConsumeMs)).toEqual(
        longest(gaps(messages.map(([, done]) => done))),
      )
      expect(found.map(({ oldestMs }) => oldestMs)).toEqual(longest(ages))
    }),
    { seed, numRuns: 2_000 },
  )
})

describe('the backlog', () => {
  it('is over when no more is there than before', () => {
    const depths = [
      ...[
        [10, 3],
        [20, 900],
        [30, 5, 2],
        [40, 40],
      ],
      ...[
        [50, 90],
        [60, 50],
        [70, 5, 2],
        [80, 7, 1],
        [90, 3, 4],
        [100, 0],
      ],
    ] as const
    const found = recovery({ downs: [[31, 45]], messages: [], depths })
    // Before: 8, with what is scheduled.
    expect(found).toMatchObject([{ backlogPeak: 91, drainMs: 25 }])
  })

  it('is unknown where the broker does not tell', () => {
    const untold = [
      [10, 3],
      [40, 'unknown'],
      [50, 'unknown'],
    ] as const
    expect(recovery({ downs: [[31, 45]], messages: [], depths: untold })).toMatchObject([
      { backlogPeak: null, drainMs: null },
    ])
    const late = [
      [40, 3],
      [50, 2],
    ] as const
    expect(recovery({ downs: [[31, 45]], messages: [], depths: late })).toMatchObject([
      { backlogPeak: 4, drainMs: null },
    ])
    const never = [
      [30, 3],
      [40, 9],
      [50, 4],
      [60, 20],
    ] as const
    expect(
      recovery({
        downs: [
          [31, 45],
          [48, 49],
        ],
        messages: [],
        depths: never,
      }),
    ).toMatchObject([
      { backlogPeak: 10, drainMs: null },
      { backlogPeak: 21, drainMs: 1 },
    ])
  })
})
