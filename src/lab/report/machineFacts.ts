import type { Report } from './types.ts'

/** What can be said of a machine in one word each: name and value. */
export function plainFacts(machine: Report['machine']): [string, string][] {
  return Object.entries(machine).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'string') return [[name, value]]
    if (typeof value !== 'number') return []
    return [[name, Number.isInteger(value) ? String(value) : value.toPrecision(3)]]
  })
}
