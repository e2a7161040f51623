import { showMs } from './amounts.ts'
import type { Report } from './types.ts'

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const titles: Readonly<Record<string, string>> = {
  cpu: 'processor',
  cpuLimit: 'limit of cores',
  memoryBytes: 'memory',
  memoryLimitBytes: 'limit of memory',
  os: 'system',
  node: 'Node',
  fileSystem: 'file system',
  syncMs: 'a sync takes',
}

/** What can be said of a machine in a word each, for people: name and value. */
export function plainFacts(machine: Report['machine']): [string, string][] {
  return Object.entries(machine).flatMap(([name, value]): [string, string][] => {
    const shown = shownFact(name, value)
    return shown === null ? [] : [[titles[name] ?? name, shown]]
  })
}

function shownFact(name: string, value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'number') return null
  if (name.endsWith('Bytes')) return gigabytes(value)
  if (name.endsWith('Ms')) return value < 1 ? `${value.toPrecision(2)} ms` : showMs(value)
  return Number.isInteger(value) ? String(value) : value.toPrecision(3)
}
