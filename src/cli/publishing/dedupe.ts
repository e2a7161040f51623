import { NarrowcastError } from '../../core/errors.ts'
import type { ChannelOptions } from '../../runtime/api.ts'
import type { Flags } from '../flags.ts'

const windowMsMin = 1_000
const windowMsMax = 365 * 86_400_000

/**
 * The channel option of `--dedupe 10m`: an id is stored once within the window.
 * @throws INVALID_CONFIG outside of 1s to 365d.
 */
export function dedupeWish(flags: Flags): Pick<ChannelOptions, 'dedupe'> {
  const windowMs = flags.durationMs('dedupe')
  if (windowMs === undefined) return {}
  if (Number.isInteger(windowMs) && windowMs >= windowMsMin && windowMs <= windowMsMax) {
    return { dedupe: { on: 'publish', windowMs } }
  }
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `--dedupe: expected a window from 1s to 365d, got ${JSON.stringify(flags.text('dedupe'))}`,
    { hint: 'For example: --dedupe 10m' },
  )
}
