import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { file } from '../../src/drivers/file/index.ts'
import { memory } from '../../src/drivers/memory/index.ts'
import { runCase } from '../../src/testing/conformance/case.ts'
import { conformance } from '../../src/testing/conformance/index.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { virtualClock } from '../../src/testing/virtualClock.ts'

/** Here every message has a key of its own, so what is compared at publishing would differ. */
const readingCases = conformance.filter(({ name }) => !name.startsWith('publish:'))

describe.for(['block', 'skip'] as const)('memory keeps its promises read by key, %s:', (order) => {
  describe.for(['queue', 'stream'] as const)('%s', (pattern) => {
    const cases = readingCases.filter(({ patterns }) => patterns?.includes(pattern) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      const clock = virtualClock()
      await using world = await createWorld({
        driver: memory({ clock }),
        clock,
        pattern,
        order,
        signal,
      })
      await runCase(promise, world)
    })
  })
})

/** In real time: those that count, move and remove. */
const countingCases = readingCases.filter(({ name }) =>
  /^(count|settle|admin|dead|manage):/.test(name),
)

describe('file keeps its promises read by key:', () => {
  describe.for(['queue', 'stream'] as const)('%s', (pattern) => {
    const cases = countingCases.filter(({ patterns }) => patterns?.includes(pattern) ?? true)
    test.for(cases)('$name', async (promise, { signal }) => {
      const dir = await mkdtemp(join(tmpdir(), 'narrowcast-by-key-'))
      try {
        await using world = await createWorld({
          driver: file({ dir }),
          pattern,
          order: 'skip',
          signal,
        })
        await runCase(promise, world)
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    })
  })
})
