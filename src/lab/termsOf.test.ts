import { describe, expect, test } from 'vitest'
import type { Contract } from '../core/contract.ts'
import { contracts as file } from '../drivers/file/contract.ts'
import { contracts as memory } from '../drivers/memory/contract.ts'
import { type RunSettings, termsOf } from './termsOf.ts'

const settings: RunSettings = {
  pattern: 'queue',
  leaseMs: 2_000,
  isStoreShared: false,
  inHandMax: 4,
  attempts: 3,
  deliveriesMax: 7,
  dedupeWindowMs: null,
  isRetentionReached: false,
  order: 'none',
  onFailure: 'skip',
}

const termsFor = (contract: Contract, wish: Partial<RunSettings> = {}) =>
  termsOf(contract, { ...settings, ...wish })

describe('a queue that outlasts everything', () => {
  test('may lose nothing but what the user limited', () => {
    const { terms, unknown } = termsFor(file.queue)
    expect(terms.mayLose).toEqual(['retention'])
    expect(terms.forgetsAcks).toEqual([])
    expect(unknown).toEqual([])
  })

  test('may repeat, but not what was published again while that is known', () => {
    expect(termsFor(file.queue).terms.mayRepeat).toContain('producer-retry')
    const { mayRepeat } = termsFor(file.queue, { dedupeWindowMs: 1_000 }).terms
    expect(mayRepeat).not.toContain('producer-retry')
    expect(mayRepeat).toContain('lease-expired')
  })

  test('takes its times from the contract and the settings', () => {
    const { terms } = termsFor({ ...file.queue, redelivery: { how: 'on-lease', withinMs: 3_000 } })
    expect(terms).toMatchObject({ leaseMs: 2_000, reclaimWithinMs: 3_000, inHandMax: 4 })
    expect(terms).toMatchObject({ attempts: 3, deliveriesMax: 7 })
    const released = { how: 'on-release', withinMs: 500 } as const
    expect(termsFor({ ...file.queue, redelivery: released }).terms.leaseMs).toBe(0)
    const member = { ...file.queue, redelivery: released, fencing: 'generation' } as const
    expect(termsFor(member).terms.leaseMs).toBe(1_500)
  })

  test('keeps the order of keys for who asks for it, and where it can', () => {
    const order = (wish: Partial<RunSettings>, keyOrder: Contract['keyOrder'] = 'native') =>
      termsFor({ ...file.queue, keyOrder }, wish).order
    expect(order({})).toBe('none')
    expect(order({ order: 'key' })).toBe('key on the first try')
    expect(order({ order: 'key', onFailure: 'block' })).toBe('key')
    expect(order({ order: 'key' }, 'no')).toBe('none')
  })

  test('stays with a worker as long as its connection, where that is what refuses an old owner', () => {
    const isOwned = (fencing: Contract['fencing']) =>
      termsFor({ ...file.queue, fencing }).terms.isOwnedByConnection
    expect([isOwned('connection'), isOwned('token')]).toEqual([true, false])
  })

  test('has an ack that counts only where it is confirmed', () => {
    expect(termsFor(file.queue).terms.isSettleConfirmed).toBe(true)
    expect(termsFor({ ...file.queue, settle: 'sent' }).terms.isSettleConfirmed).toBe(false)
    const { terms } = termsFor({ ...file.queue, settle: 'watermark' })
    expect([terms.isSettleConfirmed, terms.forgetsAcks]).toEqual([false, ['worker-killed']])
  })
})

const surviving = (survives: Partial<Contract['survives']>): Contract => ({
  ...file.queue,
  survives: { ...file.queue.survives, ...survives },
})

test.for([
  ['worker-crash', 'worker-killed', []],
  ['broker-restart', 'broker-stop', ['broker-stop']],
  ['broker-crash', 'broker-crash', ['broker-crash']],
] as const)('what does not survive %s may be lost by it', ([loss, cause, forgetsAcks]) => {
  const { terms, unknown } = termsFor(surviving({ [loss]: 'no' }))
  expect(terms.mayLose).toEqual([cause, 'retention'])
  expect(terms.forgetsAcks).toEqual(forgetsAcks)
  expect(unknown).toEqual([])
  expect(termsFor(surviving({ [loss]: 'unknown' })).unknown).toEqual([cause])
})

test('a crash that loses the newest only says how new', () => {
  const { terms } = termsFor(surviving({ 'broker-crash': { lossWindowMs: 2_000 } }))
  expect(terms).toMatchObject({ mayLose: ['broker-crash', 'retention'], lossWindowMs: 2_000 })
})

describe('a live pattern', () => {
  const narrow = termsFor(memory.narrowcast, { pattern: 'narrowcast' })

  test('may lose by every fault, and repeat only what was published again', () => {
    expect(narrow.terms.mayLose).toContain('no-worker')
    expect(narrow.terms.mayLose).toContain('handler-failed')
    expect(narrow.terms.mayLose).not.toContain('retention')
    expect(narrow.terms.mayRepeat).toEqual(['producer-retry'])
    expect(narrow.unknown).toEqual([])
  })

  test('believes in a worker as long as its entry, and a little', () => {
    expect(narrow.terms).toMatchObject({ leaseMs: 0, reclaimWithinMs: 3_000 })
  })

  test('takes all that waits for a worker along with it, where its broker keeps that', () => {
    const most = (over: Partial<Contract>) =>
      termsFor({ ...memory.narrowcast, ...over }, { pattern: 'narrowcast' }).terms.inHandMax
    expect(most({})).toBe(4)
    expect(most({ resumes: true, tells: ['overflow'] })).toBe(4)
    expect(most({ resumes: true, tells: [] })).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('tells of nobody there where its contract says so', () => {
    const tells = (noReader: Contract['noReader']) =>
      termsFor({ ...memory.narrowcast, noReader }, { pattern: 'narrowcast' }).terms.tells
    expect(tells('refused')).toEqual(['no-worker', 'overflow', 'handler-failed'])
    expect(tells('dropped-reported')).toEqual(['no-worker', 'overflow', 'handler-failed'])
    expect(tells('dropped-silently')).toEqual(['overflow', 'handler-failed'])
  })

  test('may drop what a worker has no room for, and tells of it where its contract says so', () => {
    expect(narrow.terms.mayLose).toContain('overflow')
    const deaf = termsFor({ ...memory.narrowcast, tells: [] }, { pattern: 'narrowcast' })
    expect(deaf.terms.tells).toEqual(['no-worker', 'handler-failed'])
  })
})
