import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import type { Contracts } from '../../src/core/contract.ts'
import type { Driver } from '../../src/core/driver.ts'
import { file, contracts as fileContracts } from '../../src/drivers/file/index.ts'
import { contracts as memoryContracts } from '../../src/drivers/memory/index.ts'
import {
  conformance,
  createRuntimeWorld,
  createWorld,
  type LiveRow,
  liveConformance,
  memory,
  runCase,
  runtimeConformance,
  runtimeLiveConformance,
  type VirtualClock,
  virtualClock,
} from '../../src/testing/index.ts'

interface Store extends AsyncDisposable {
  readonly driver: Driver
  readonly clock?: VirtualClock
}

interface Kind {
  readonly name: string
  readonly contracts: Contracts
  readonly make: () => Promise<Store>
}

const stores: readonly Kind[] = [
  {
    name: 'memory',
    contracts: memoryContracts,
    async make() {
      const clock = virtualClock()
      return { driver: memory({ clock }), clock, [Symbol.asyncDispose]: async () => {} }
    },
  },
  {
    name: 'file',
    contracts: fileContracts,
    async make() {
      const dir = await mkdtemp(join(tmpdir(), 'narrowcast-conformance-'))
      return {
        driver: file({ dir }),
        [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
      }
    },
  },
]

describe.for(stores)('$name keeps its promises:', ({ make }) => {
  describe.for(['queue', 'stream'] as const)('%s', (pattern) => {
    const cases = conformance.filter(({ patterns }) => patterns?.includes(pattern) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      await using store = await make()
      await using world = await createWorld({ ...store, pattern, signal })
      await runCase(promise, world)
    })
  })
})

const liveRows = ['broadcast', 'narrowcast', 'narrowcast-relay'] as const

const specOf = (row: LiveRow) =>
  ({
    pattern: row === 'broadcast' ? 'broadcast' : 'narrowcast',
    via: row === 'narrowcast-relay' ? 'relay' : 'direct',
  }) as const

describe.for(stores)('$name keeps its live promises:', ({ contracts, make }) => {
  describe.for(liveRows.filter((row) => contracts[row]))('%s', (row) => {
    const cases = liveConformance.filter(({ patterns }) => patterns?.includes(row) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      await using store = await make()
      await using world = await createWorld({ ...store, ...specOf(row), signal })
      await runCase(promise, world)
    })
  })
})

describe.for(stores)('a bus on $name keeps its promises:', ({ make }) => {
  describe.for(['queue', 'stream'] as const)('%s', (pattern) => {
    const cases = runtimeConformance.filter(({ patterns }) => patterns?.includes(pattern) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      await using store = await make()
      await using world = createRuntimeWorld({ ...store, pattern, signal })
      await runCase(promise, world)
    })
  })
})

describe.for(stores)('a bus on $name keeps its live promises:', ({ contracts, make }) => {
  describe.for(liveRows.filter((row) => contracts[row]))('%s', (row) => {
    const cases = runtimeLiveConformance.filter(({ patterns }) => patterns?.includes(row) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      await using store = await make()
      await using world = createRuntimeWorld({ ...store, ...specOf(row), signal })
      await runCase(promise, world)
    })
  })
})
