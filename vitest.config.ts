import { defineConfig } from 'vitest/config'

/** They use every core by themselves, so they come after all others. */
const simulation = ['test/simulation.test.ts', 'test/mutants.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts'],
          exclude: simulation,
          testTimeout: 20_000,
        },
      },
      {
        // They wait for leases far more than they work.
        test: {
          name: 'brokers',
          include: ['test/brokers/*.test.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
      { test: { name: 'e2e', include: ['test/e2e/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'faults', include: ['test/faults/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'simulation',
          include: simulation,
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
        },
      },
    ],
  },
})
