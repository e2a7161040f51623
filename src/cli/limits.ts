import { NarrowcastError } from '../core/errors.ts'
import type { BusAdmin } from '../runtime/api.ts'
import { untilAborted } from '../runtime/untilAborted.ts'

/**
 * The admin calls with a time limit for each answer: whoever looks at a terminal must not wait for
 * a broker that is gone.
 */
export function withLimits(admin: BusAdmin, driver: string, timeoutMs: number): BusAdmin {
  const limited = Object.entries(admin).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      const limit = AbortSignal.timeout(timeoutMs)
      try {
        // A driver may wait for an answer that is out, whatever its signal says.
        const ask = call as (...all: unknown[]) => Promise<unknown>
        return await untilAborted(ask(...args, limit), limit)
      } catch (cause) {
        if (!limit.aborted) throw cause
        throw new NarrowcastError(
          'TIMEOUT',
          `${driver}: ${name} got no answer in ${timeoutMs} ms`,
          {
            driver,
            operation: name,
            hint: 'More time: --timeout 30s',
            cause,
          },
        )
      }
    },
  ])
  return Object.fromEntries(limited) as BusAdmin
}
