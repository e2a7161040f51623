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

/** The cases of the conformance suite, each on what `make` gives it. */
export interface Kind {
  readonly name: string
  readonly make: () => Promise<Store>
  /** Those whose names match. @default all */
  readonly only?: RegExp
}

/** Some do a thing a thousand times, on a real broker and beside other test files. */
const limit = { timeout: 60_000 }

/** Those of this pattern that are asked for. */
function pick<P extends string, C extends { name: string; patterns?: readonly P[] }>(
  cases: readonly C[],
  pattern: P,
  { only }: Kind,
): C[] {
  const isIts = ({ patterns }: C) => patterns?.includes(pattern) ?? true
  return cases.filter((one) => isIts(one) && (only?.test(one.name) ?? true))
}

/** The driver, and a bus on it, keep what they promise of messages that are kept. */
export function keepsPromises(kind: Kind, patterns: readonly ('queue' | 'stream')[]) {
  const { name, make } = kind
  describe(`${name} keeps its promises:`, () => {
    describe.for(patterns)('%s', (pattern) => {
      const cases = pick(conformance, pattern, kind)
      test.for(cases)('$name', limit, async (promise, { signal }) => {
        await using store = await make()
        await using world = await createWorld({ ...store, pattern, signal })
        await runCase(promise, world)
      })
    })
  })
  describe(`a bus on ${name} keeps its promises:`, () => {
    describe.for(patterns)('%s', (pattern) => {
      const cases = pick(runtimeConformance, pattern, kind)
      test.for(cases)('$name', limit, async (promise, { signal }) => {
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
export function keepsLivePromises(kind: Kind, rows: readonly LiveRow[] = liveRows) {
  const { name, make } = kind
  describe(`${name} keeps its live promises:`, () => {
    describe.for(rows)('%s', (row) => {
      const cases = pick(liveConformance, row, kind)
      test.for(cases)('$name', limit, async (promise, { signal }) => {
        await using store = await make()
        await using world = await createWorld({ ...store, ...specOf(row), signal })
        await runCase(promise, world)
      })
    })
  })
  describe(`a bus on ${name} keeps its live promises:`, () => {
    describe.for(rows)('%s', (row) => {
      const cases = pick(runtimeLiveConformance, row, kind)
      test.for(cases)('$name', limit, async (promise, { signal }) => {
        await using store = await make()
        await using world = createRuntimeWorld({ ...store, ...specOf(row), signal })
        await runCase(promise, world)
      })
    })
  })
}
