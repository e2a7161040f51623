import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import type { Driver } from '../../src/core/driver.ts'
import { file } from '../../src/drivers/file/index.ts'
import {
  conformance,
  createRuntimeWorld,
  createWorld,
  memory,
  runCase,
  runtimeConformance,
  type VirtualClock,
  virtualClock,
} from '../../src/testing/index.ts'

interface Store extends AsyncDisposable {
  readonly driver: Driver
  readonly clock?: VirtualClock
}

const stores: readonly { name: string; make: () => Promise<Store> }[] = [
  {
    name: 'memory',
    async make() {
      const clock = virtualClock()
      return { driver: memory({ clock }), clock, [Symbol.asyncDispose]: async () => {} }
    },
  },
  {
    name: 'file',
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
