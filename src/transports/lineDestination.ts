import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import type { BoundedSender } from './sender/boundedSender.ts'
import { recordMessage } from './record.ts'
import { type Route, router } from './routes.ts'

/** How log records become messages. */
export interface RecordOptions {
  /** Only the first route that matches decides; a record that matches none is skipped. */
  routes?: readonly Route[]
  /** Without routes: for records that name no channel in their field `channel`. */
  channel?: string
  /** Where a record has the message key, for example `task.game_token`. @default no key */
  key?: string
}

/** A line that never ends is given up at this length. */
const lineCharactersMax = 16_777_216

/**
 * Takes JSON lines in pieces of any size and hands each record to the sender. Records that no
 * route wants are counted in `skipped`.
 * @throws INVALID_ARGUMENT for a wrong route.
 */
export function lineDestination(
  sender: BoundedSender,
  options: RecordOptions,
  clock: Clock = systemClock,
) {
  const route = router(options)
  const keyPath = options.key === undefined ? null : options.key.split('.')
  let rest = ''
  let skipped = 0

  function takeLine(line: string): void {
    const record = parsed(line)
    const destination = record && route(record)
    if (record === null) sender.writeUnparsable(line)
    else if (destination === null) skipped++
    else {
      const given = { bytes: line.length, keyPath, nowMs: clock.wallMs() }
      sender.write(recordMessage(record, destination, given))
    }
  }

  return {
    get skipped() {
      return skipped
    },
    write(chunk: string): void {
      let from = 0
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
        const line = rest + chunk.slice(from, end)
        rest = ''
        from = end + 1
        if (line.trim() !== '') takeLine(line)
      }
      rest += chunk.slice(from)
      if (rest.length > lineCharactersMax) this.end()
    },
    /** The last line may lack its end. */
    end(): void {
      const line = rest
      rest = ''
      if (line.trim() !== '') takeLine(line)
    },
  }
}

function parsed(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    // Counted and told by the caller as unparsable.
    return null
  }
}
