import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { file } from '../../src/drivers/file/index.ts'
import { conformance, createWorld, runCase, virtualClock } from '../../src/testing/index.ts'

// The same cases as in conformance.test.ts, but by the clock that the driver is given: so every
// lease, delay and window goes by that one clock, and none by the wall clock or a timer of Node.
describe.for(['queue', 'stream'] as const)('file by a virtual clock: %s', (pattern) => {
  const cases = conformance.filter(({ patterns }) => patterns?.includes(pattern) ?? true)
  test.for(cases)('$name', async (promise, { signal }) => {
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-file-'))
    try {
      const clock = virtualClock()
      const driver = file({ dir, clock })
      await using world = await createWorld({ driver, clock, pattern, signal })
      await runCase(promise, world)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})
