import { defineConfig } from 'vitest/config'

/** Ten thousand schedules take longer than all other unit tests together. */
const simulation = 'test/simulation.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts'],
          exclude: [simulation],
        },
      },
      { test: { name: 'brokers', include: ['test/brokers/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'e2e', include: ['test/e2e/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts', simulation],
          testTimeout: 120_000,
        },
      },
    ],
  },
})
