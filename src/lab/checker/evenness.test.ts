import { describe, expect, it } from 'vitest'
import { below, drawFrom } from '../draw.ts'
import type { ActorEventName, Role } from '../evidence/evidence.ts'
import { evennessOf, evennessOfCounts } from './evenness.ts'

describe('evenness of counts', () => {
  it('is whole where all did the same', () => {
    expect(evennessOfCounts([500, 500, 500, 500])).toEqual({
      ...{ jain: 1, cv: 0, maxOverMean: 1, chi2P: 1, isUneven: false, isSkipped: false },
    })
  })

  it('is told in four figures', () => {
    const { jain, cv, maxOverMean, chi2P } = evennessOfCounts([120, 80])
    expect(jain).toBeCloseTo(40_000 / (2 * 20_800), 12)
    expect(cv).toBeCloseTo(0.2, 12)
    expect(maxOverMean).toBeCloseTo(1.2, 12)
    expect(chi2P).toBeCloseTo(0.004678, 6) // chi-square 8, 1 degree of freedom
  })

  it.for([
    ['one of four starves', [3_333, 3_333, 3_334, 0], true],
    ['one did everything', [0, 900, 0], true],
    ['chance may well do it', [290, 310, 300], false],
    ['chance does not do it, and it does not matter', [104_000, 100_000, 96_000], false],
    ['it would matter, and chance may do it', [120, 80], false],
    ['there was but one', [5_000], false],
  ] as const)('where %s', ([_name, counts, isUneven]) => {
    expect(evennessOfCounts(counts)).toMatchObject({ isUneven, isSkipped: false })
  })

  it.for([
    ['too few', [199, 0]],
    ['nothing', [0, 0, 0]],
  ] as const)('is not judged of %s', ([_name, counts]) => {
    expect(evennessOfCounts(counts)).toMatchObject({ isUneven: false, isSkipped: true })
    expect(evennessOfCounts(counts).jain).toBeGreaterThan(0)
    expect(evennessOfCounts([200, 0])).toMatchObject({ isUneven: true, isSkipped: false })
  })

  it('is found where six of ten go to one of two, and rarely where chance is fair', () => {
    const shared = (seed: number, isOfFirst: number) => {
      const draw = below(drawFrom(seed, 'worker'), 10)
      const first = Array.from({ length: 2_000 }, (_, n) => draw(n)).filter((n) => n < isOfFirst)
      return evennessOfCounts([first.length, 2_000 - first.length])
    }
    const seeds = Array.from({ length: 200 }, (_, seed) => seed)
    expect(seeds.filter((seed) => shared(seed, 6).isUneven)).toHaveLength(200)
    expect(seeds.filter((seed) => shared(seed, 5).isUneven).length).toBeLessThanOrEqual(2)
    // Chance alone has a spread of √((workers − 1) / messages).
    const spread = seeds.reduce((sum, seed) => sum + shared(seed, 5).cv ** 2, 0) / seeds.length
    expect(Math.sqrt(spread)).toBeCloseTo(Math.sqrt(1 / 2_000), 2)
  })
})

type Event = readonly [event: ActorEventName, name: string, fromNs: number, toNs?: number]

/** Names are `w0.1`: worker 0, its second start. */
function epochs(
  events: readonly Event[],
  done: readonly (readonly [string, number | null])[] = [],
) {
  const parsed = (name: string) => ({
    role: (name.startsWith('w') ? 'worker' : 'drainReader') as Role,
    actor: Number(name.slice(1).split('.')[0]),
    incarnation: Number(name.split('.')[1]),
  })
  const names = [...new Set([...events.map(([, name]) => name), ...done.map(([name]) => name)])]
  const ledgers = names.map((name) => ({
    ...parsed(name),
    // Worker 9 is of another group.
    ...{ pid: 1, group: name.startsWith('w9') ? 'other' : null, codes: [] },
  }))
  return evennessOf(
    {
      ledgers,
      events: events.map(([event, name, fromNs, toNs]) => ({
        ...{ event, fromNs, toNs: toNs ?? fromNs, actor: parsed(name), how: null },
      })),
    },
    {
      group: null,
      firstDoneNs: Float64Array.from(done, ([, ns]) => ns ?? Number.NaN),
      firstDoneBy: Uint16Array.from(done, ([name, ns]) =>
        ns === null ? 0xffff : names.indexOf(name),
      ),
    },
  )
}

const seen = (...all: Parameters<typeof epochs>) =>
  epochs(...all).map(({ fromNs, toNs, workers, counts }) => [fromNs, toNs, workers, counts])

describe('epochs', () => {
  it('end and begin with each change of who is live', () => {
    const events: Event[] = [
      ['READY', 'w0.0', 5],
      ['SUBSCRIBED', 'w0.0', 10, 12],
      ['SUBSCRIBED', 'w1.0', 20, 22],
      ['KILL', 'w0.0', 30, 33],
      ['EXIT', 'w0.0', 34],
      ['SUBSCRIBED', 'w0.1', 40],
      ['EXIT', 'w0.0', 45], // it took its time to be noticed
      ['SUBSCRIBED', 'w0.1', 46], // it has a new connection
      ['STOP', 'w1.0', 50],
      ['CONT', 'w1.0', 60],
      ['LEAVE', 'w1.0', 70],
      ['EXIT', 'w0.1', 80],
    ]
    expect(seen(events, [['w0.0', 90]])).toEqual([
      [12, 20, [0], [0]],
      [22, 30, [0, 1], [0, 0]],
      [33, 40, [1], [0]],
      [40, 50, [0, 1], [0, 0]],
      [50, 60, [0], [0]],
      [60, 70, [0, 1], [0, 0]],
      [70, 80, [0], [0]],
    ])
  })

  it('count what each worker did, whichever start of it', () => {
    const events: Event[] = [
      ['SUBSCRIBED', 'w0.3', 0],
      ['SUBSCRIBED', 'w1.0', 0],
      ['SUBSCRIBED', 'w0.4', 1],
      ['KILL', 'w1.0', 30, 33],
    ]
    const done = [
      ...[
        ['w0.3', 0.5],
        ['w1.0', 10],
        ['w0.4', 20],
        ['w0.4', 30],
      ],
      ...[
        ['w1.0', 32],
        ['w0.4', 32],
        ['w0.4', 32.5],
      ], // in between
      ...[
        ['w1.0', null],
        ['w0.4', 33],
        ['w1.0', 40],
        ['w0.4', 50],
      ],
    ] as const
    expect(seen(events, done as readonly (readonly [string, number | null])[])).toEqual([
      [0, 30, [0, 1], [3, 1]],
      [33, 50, [0], [2]],
    ])
  })

  it('know a start that was stopped and then followed by another as live', () => {
    const events: Event[] = [
      ['SUBSCRIBED', 'w0.0', 0],
      ['STOP', 'w0.0', 10],
      ['SUBSCRIBED', 'w0.1', 20],
    ]
    expect(seen(events, [['w0.1', 30]])).toEqual([
      [0, 10, [0], [0]],
      [20, 30, [0], [1]],
    ])
  })

  it('are about workers of the group alone', () => {
    const events: Event[] = [
      ['SUBSCRIBED', 'w0.0', 0],
      ['SUBSCRIBED', 'w9.0', 10],
      ['KILL', 'd0.0', 20],
    ]
    expect(
      seen(events, [
        ['w9.0', 25],
        ['d0.0', 26],
        ['w0.0', 30],
      ]),
    ).toEqual([[0, 30, [0], [1]]])
    expect(seen([], [])).toEqual([])
  })

  it('are judged', () => {
    const done = Array.from({ length: 300 }, (_, at) => ['w0.0', at + 1] as const)
    const events: Event[] = [
      ['SUBSCRIBED', 'w0.0', 0],
      ['SUBSCRIBED', 'w1.0', 0],
    ]
    expect(epochs(events, done)).toMatchObject([{ counts: [300, 0], jain: 0.5, isUneven: true }])
  })
})
