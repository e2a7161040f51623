import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chiSquareTail } from './chiSquare.ts'

/**
 * Critical values, from the NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.4.
 * They have three decimals.
 */
const critical: readonly (readonly [freedom: number, byTail: Readonly<Record<string, number>>])[] =
  [
    [1, { '0.1': 2.706, '0.05': 3.841, '0.025': 5.024, '0.01': 6.635, '0.001': 10.828 }],
    [2, { '0.1': 4.605, '0.05': 5.991, '0.025': 7.378, '0.01': 9.21, '0.001': 13.816 }],
    [3, { '0.1': 6.251, '0.05': 7.815, '0.025': 9.348, '0.01': 11.345, '0.001': 16.266 }],
    [3, { '0.9': 0.584, '0.95': 0.352, '0.975': 0.216, '0.99': 0.115, '0.999': 0.024 }],
    [4, { '0.1': 7.779, '0.05': 9.488, '0.025': 11.143, '0.01': 13.277, '0.001': 18.467 }],
    [10, { '0.1': 15.987, '0.05': 18.307, '0.025': 20.483, '0.01': 23.209, '0.001': 29.588 }],
    [10, { '0.9': 4.865, '0.95': 3.94, '0.975': 3.247, '0.99': 2.558, '0.999': 1.479 }],
    [15, { '0.1': 22.307, '0.05': 24.996, '0.025': 27.488, '0.01': 30.578, '0.001': 37.697 }],
    [100, { '0.1': 118.498, '0.05': 124.342, '0.025': 129.561, '0.01': 135.807, '0.001': 149.449 }],
    [100, { '0.9': 82.358, '0.95': 77.929, '0.975': 74.222, '0.99': 70.065, '0.999': 61.918 }],
  ]

describe.for(critical)('with %i degrees of freedom', ([freedom, byTail]) => {
  it.for(Object.entries(byTail))('the tail is %s where the table has it', ([tail, value]) => {
    expect(chiSquareTail(value - 0.0006, freedom)).toBeGreaterThan(Number(tail))
    expect(chiSquareTail(value + 0.0006, freedom)).toBeLessThan(Number(tail))
  })
})

/** With an even number of degrees of freedom the tail is a Poisson sum. */
function poissonSum(value: number, freedom: number): number {
  let term = Math.exp(-value / 2)
  let sum = 0
  for (let n = 0; n < freedom / 2; n++) {
    sum += term
    term *= value / 2 / (n + 1)
  }
  return sum
}

const seed = 20_263
const values = fc.double({ min: 0, max: 300, noNaN: true })

it('agrees with the closed form of even degrees of freedom', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 60 }), (value, half) => {
      const off = chiSquareTail(value, 2 * half) - poissonSum(value, 2 * half)
      expect(Math.abs(off)).toBeLessThan(1e-12)
    }),
    { seed, numRuns: 2_000 },
  )
})

it('agrees with the recurrence from one number of degrees of freedom to the next but one', () => {
  // Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ / Γ(a + 1): DLMF 8.8.6; here a = 1/2, Γ(3/2) = √π / 2.
  fc.assert(
    fc.property(values, (value) => {
      const step = (Math.sqrt(value / 2) * Math.exp(-value / 2)) / (Math.sqrt(Math.PI) / 2)
      const off = chiSquareTail(value, 3) - chiSquareTail(value, 1) - step
      expect(Math.abs(off)).toBeLessThan(1e-12)
    }),
    { seed, numRuns: 2_000 },
  )
})

it('knows the ends', () => {
  expect(chiSquareTail(0, 3)).toBe(1)
  expect(chiSquareTail(0, 0)).toBe(1)
  expect(chiSquareTail(1e6, 3)).toBe(0)
})
