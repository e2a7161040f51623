import { describe, test } from 'vitest'
import type { Driver } from '../../src/core/driver.ts'
import {
  conformance,
  createRuntimeWorld,
  createWorld,
  type LiveRow,
  liveConformance,
  runCase,
  runtimeConformance,
  runtimeLiveConformance,
  type VirtualClock,
} from '../../src/testing/index.ts'

export interface Store extends AsyncDisposable {
  readonly driver: Driver
  readonly clock?: VirtualClock
}

/** Every case of the conformance suite on a store of its own. */
export interface Kind {
  readonly name: string
  readonly make: () => Promise<Store>
}

/** The driver, and a bus on it, keep what they promise of messages that are kept. */
export function keepsPromises({ name, make }: Kind, patterns: readonly ('queue' | 'stream')[]) {
  describe(`${name} keeps its promises:`, () => {
    describe.for(patterns)('%s', (pattern) => {
      const cases = conformance.filter((one) => one.patterns?.includes(pattern) ?? true)
      test.for(cases)('$name', async (promise, { signal }) => {
        await using store = await make()
        await using world = await createWorld({ ...store, pattern, signal })
        await runCase(promise, world)
      })
    })
  })
  describe(`a bus on ${name} keeps its promises:`, () => {
    describe.for(patterns)('%s', (pattern) => {
      const cases = runtimeConformance.filter((one) => one.patterns?.includes(pattern) ?? true)
      test.for(cases)('$name', async (promise, { signal }) => {
        await using store = await make()
        await using world = createRuntimeWorld({ ...store, pattern, signal })
        await runCase(promise, world)
      })
    })
  })
}

const specOf = (row: LiveRow) =>
  ({
    pattern: row === 'broadcast' ? 'broadcast' : 'narrowcast',
    via: row === 'narrowcast-relay' ? 'relay' : 'direct',
  }) as const

const liveRows = ['broadcast', 'narrowcast', 'narrowcast-relay'] as const

/** The driver, and a bus on it, keep what they promise to who is there. */
export function keepsLivePromises({ name, make }: Kind, rows: readonly LiveRow[] = liveRows) {
  describe(`${name} keeps its live promises:`, () => {
    describe.for(rows)('%s', (row) => {
      const cases = liveConformance.filter((one) => one.patterns?.includes(row) ?? true)
      test.for(cases)('$name', async (promise, { signal }) => {
        await using store = await make()
        await using world = await createWorld({ ...store, ...specOf(row), signal })
        await runCase(promise, world)
      })
    })
  })
  describe(`a bus on ${name} keeps its live promises:`, () => {
    describe.for(rows)('%s', (row) => {
      const cases = runtimeLiveConformance.filter((one) => one.patterns?.includes(row) ?? true)
      test.for(cases)('$name', async (promise, { signal }) => {
        await using store = await make()
        await using world = createRuntimeWorld({ ...store, ...specOf(row), signal })
        await runCase(promise, world)
      })
    })
  })
}
