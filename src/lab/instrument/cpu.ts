import { type ReadText, systemText } from './systemText.ts'

/** The kernel counts processor time for others in hundredths of a second, whatever its own clock. */
const microsPerTick = 10_000

/**
 * Processor time that each of these processes has used since it began, all its threads together, in
 * microseconds, to 10 ms; null for one that has ended, or where the system does not tell.
 */
export function cpuOf(pids: readonly number[], read: ReadText = systemText): (number | null)[] {
  return pids.map((pid) => microsOf(read(`/proc/${pid}/stat`)))
}

/** `pid (name) state …`: user and system time are the 14th and 15th; a name may hold anything. */
function microsOf(stat: string | null): number | null {
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks * microsPerTick : null
}
