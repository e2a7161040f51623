import { NarrowcastError } from '../core/errors.ts'
import type { BusAdmin } from '../runtime/api.ts'

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
        return await (call as (...all: unknown[]) => Promise<unknown>)(...args, limit)
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
