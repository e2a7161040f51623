import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longestFirst.ts'

/** They use every core by themselves, so they come after all others. */
const simulation = ['test/simulation.test.ts', 'test/mutants.test.ts']
/** They wait for processes, leases and brokers far more than they work, and each may start a cluster. */
const maxWorkers = Math.min(6, Math.max(3, availableParallelism() - 1))
/** Programs that tests start are read and compiled once: that is most of what a short one does. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, '.narrowcast', 'compiled') }
/** A second, which is the default, is over soon on a busy machine; it ends before any test does. */
const expected = { poll: { timeout: 15_000 } }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts'],
          exclude: simulation,
          testTimeout: 20_000,
          expect: expected,
          env,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'brokers',
          include: ['test/brokers/*.test.ts'],
          testTimeout: 60_000,
          expect: expected,
          env,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          testTimeout: 120_000, // to start a program takes a busy machine seconds
          expect: expected,
          env,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          testTimeout: 120_000,
          expect: expected,
          env,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'simulation',
          env,
          include: simulation,
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
    ],
  },
})
