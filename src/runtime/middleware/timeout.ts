import { NarrowcastError } from '../../core/errors.ts'
import { onlyKnown, whole, wrongOption } from '../checks.ts'
import type { Middleware } from '../handlerRun.ts'

const dayMs = 86_400_000

export interface TimeoutOptions {
  /** Longest run of all that is inside, from 1 ms to a day. */
  readonly ms: number
}

/**
 * Ends a handler that runs for longer than `ms`: its signal fires with TIMEOUT, and the message has
 * failed, whatever the handler says later. The handler is waited for, so that the message is not
 * tried elsewhere while it still runs: one that ignores its signal keeps its slot until it ends,
 * or until `runMsMax` and `abortMs` of the subscription give it up as stuck.
 * @throws INVALID_ARGUMENT
 */
export function timeout(options: TimeoutOptions): Middleware<unknown> {
  onlyKnown('timeout', options, ['ms'])
  if (options?.ms === undefined) throw wrongOption('timeout.ms', 'a time in ms', options?.ms)
  const ms = whole('timeout.ms', options.ms, 0, 1, dayMs)
  return async (_, next, run) => {
    const { name } = run.channel
    const ended = new AbortController()
    let late: NarrowcastError | null = null
    const watching = run.clock.sleep(ms, ended.signal).then(() => {
      if (ended.signal.aborted) return
      const text = `the handler on "${name}" ran longer than its timeout, ${ms} ms`
      late = new NarrowcastError('TIMEOUT', text, { channel: name, operation: 'timeout' })
      run.abort(late)
    })
    try {
      const verdict = await next()
      if (late) throw late
      return verdict
    } catch (error) {
      throw late ?? error
    } finally {
      ended.abort(null) // no reason: the default one is an error with a stack
      await watching
    }
  }
}
