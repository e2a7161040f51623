import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { marks, type Origin, told } from './history.ts'
import { type Order, orderOf, type Reordering } from './order.ts'

const seed = 20_264
const noLedger = 0xffff

interface Message {
  readonly origin: number
  readonly key: number
  /** Null: never done. */
  readonly doneNs: number | null
  readonly ledger: number
  readonly isRedelivered: boolean
  /** An attempt was refused, or nobody knows of it. */
  readonly hasNoPlace: boolean
}

/** Messages by origin, as a history has them. */
function arrays(messages: readonly Message[]) {
  const all = messages.toSorted((a, b) => a.origin - b.origin)
  const origins: Origin[] = []
  all.forEach(({ origin }, first) => {
    const last = origins.at(-1)
    if (last?.producer === origin) origins[origins.length - 1] = { ...last, count: last.count + 1 }
    else origins.push({ producer: origin, incarnation: 0, first, count: 1 })
  })
  const history = {
    origins,
    key: Uint16Array.from(all, ({ key }) => key),
    told: Uint8Array.from(all, ({ hasNoPlace, key }) =>
      hasNoPlace ? told.ok | (key === 0 ? told.fail : told.info) : told.ok,
    ),
  }
  const group = {
    marks: Uint8Array.from(
      all,
      ({ isRedelivered }) => 1 | 2 | (isRedelivered ? marks.redelivered : 0),
    ),
    firstDoneNs: Float64Array.from(all, ({ doneNs }) => doneNs ?? Number.NaN),
    firstDoneBy: Uint16Array.from(all, ({ doneNs, ledger }) =>
      doneNs === null ? noLedger : ledger,
    ),
  }
  return { all, history, group }
}

/** Straight from what the words say, with nested loops. */
function naiveOrder(all: readonly Message[]): Order {
  const done = all.flatMap((message, place) =>
    message.doneNs === null || message.hasNoPlace
      ? []
      : [{ ...message, doneNs: message.doneNs, place }],
  )
  type Done = (typeof done)[number]
  const isBefore = (a: Done, b: Done) =>
    a.doneNs < b.doneNs || (a.doneNs === b.doneNs && a.place < b.place)
  /** How many places before it the first larger one stands; 0: there is none. */
  const extent = (one: Done, scope: readonly Done[]): number => {
    const line = scope.filter(({ origin, key }) => origin === one.origin && key === one.key)
    const placeOf = (which: Done) => line.filter((other) => isBefore(other, which)).length
    const larger = line.filter((other) => other.place > one.place && isBefore(other, one))
    return larger.length === 0 ? 0 : placeOf(one) - Math.min(...larger.map(placeOf))
  }
  const reordering = (extents: readonly number[]): Reordering => {
    const sorted = extents.filter((places) => places > 0).sort((a, b) => a - b)
    return {
      reordered: sorted.length,
      ratio: done.length === 0 ? 0 : sorted.length / done.length,
      extentP99: sorted[Math.ceil((sorted.length * 99) / 100) - 1] ?? 0,
      extentMax: sorted.at(-1) ?? 0,
    }
  }
  const mates = (one: Done) => done.filter(({ ledger }) => ledger === one.ledger)
  return {
    perWorker: reordering(done.map((one) => extent(one, mates(one)))),
    overall: reordering(done.map((one) => extent(one, done))),
    byRedelivery: done.filter((one) => one.isRedelivered && extent(one, done) > 0).length,
    withoutPlace: all.filter(({ doneNs, hasNoPlace }) => doneNs !== null && hasNoPlace).length,
  }
}

const message = fc.record<Message>({
  origin: fc.nat(2),
  key: fc.constantFrom(0, 1, 65_535),
  doneNs: fc.option(fc.integer({ min: -5, max: 20 }), { freq: 8 }),
  ledger: fc.nat(2),
  isRedelivered: fc.boolean(),
  hasNoPlace: fc.oneof(fc.constant(false), fc.constant(false), fc.boolean()),
})

describe('order', () => {
  it('is what nested loops find', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const { all, history, group } = arrays(messages)
        expect(orderOf(history, group)).toEqual(naiveOrder(all))
      }),
      { seed, numRuns: 1_000 },
    )
  })

  const done = (doneNs: number | null, ledger = 0, isRedelivered = false, key = 0): Message => ({
    ...{ origin: 0, key, doneNs, ledger, isRedelivered, hasNoPlace: false },
  })
  const of = (...messages: readonly Message[]) => {
    const { history, group } = arrays(messages)
    return orderOf(history, group)
  }
  const inOrder = { reordered: 0, ratio: 0, extentP99: 0, extentMax: 0 }

  it('holds where all are done as they were published', () => {
    expect(of()).toEqual({ perWorker: inOrder, overall: inOrder, byRedelivery: 0, withoutPlace: 0 })
    expect(of(done(1), done(null), done(3), done(3))).toMatchObject({ overall: inOrder })
  })

  it('asks nothing of what was refused before it was stored, or may have been', () => {
    const late = { ...done(9), hasNoPlace: true }
    expect(of(late, done(2))).toMatchObject({ overall: inOrder, withoutPlace: 1 })
    expect(of(done(9), done(2))).toMatchObject({ overall: { reordered: 1 }, withoutPlace: 0 })
  })

  it('is lost by one alone that comes late', () => {
    expect(of(done(9), done(2), done(3), done(4))).toEqual({
      perWorker: { reordered: 1, ratio: 0.25, extentP99: 3, extentMax: 3 },
      overall: { reordered: 1, ratio: 0.25, extentP99: 3, extentMax: 3 },
      byRedelivery: 0,
      withoutPlace: 0,
    })
  })

  it('may be lost over all workers, and not inside any', () => {
    const order = of(done(9, 1), done(2, 0), done(3, 0), done(10, 1))
    expect(order.perWorker).toEqual(inOrder)
    expect(order.overall).toMatchObject({ reordered: 1, extentMax: 2 })
  })

  it('tells apart what was delivered again', () => {
    expect(of(done(9, 0, true), done(8, 0, false), done(3, 0, true)).byRedelivery).toBe(1)
  })

  it('is not asked for between keys', () => {
    expect(of(done(9, 0, false, 1), done(2, 0, false, 2)).overall).toEqual(inOrder)
  })
})
