import { type Clock, systemClock } from '../../core/clock.ts'
import { type Keyboard, LiveRegion, type Screen } from './liveRegion.ts'

/** How a long run is shown: a live region on a terminal, else plain lines. */
export interface Feed {
  /** A line that stays. With a live region it is written above it. */
  say(line: string): void
  /** A line for plain mode only: a live region shows the same by itself. */
  plain(line: string): void
  changed(): void
  close(): void
}

export interface FeedOptions {
  readonly live: boolean
  readonly quiet: boolean
  readonly screen: Screen
  readonly keyboard: Keyboard | null
  readonly frame: (columns: number) => readonly string[]
  /** The line that says "I am still here" after ten seconds of silence. */
  readonly heartbeat: () => string
  readonly onStop: () => void
  readonly onInterrupt: () => void
  readonly ellipsis: string
  readonly clock?: Clock
}

const silenceMs = 10_000

export function makeFeed(options: FeedOptions): Feed {
  const { clock = systemClock } = options
  const closing = new AbortController()
  const region = options.live ? new LiveRegion(options) : null
  let spokeMs = clock.monotonicMs()
  const write = (line: string) => {
    spokeMs = clock.monotonicMs()
    if (region) region.say(line)
    else if (!options.quiet) options.screen.write(`${line}\n`)
  }
  const isPlain = () => region === null || region.isPlain
  const tick = async () => {
    while (!closing.signal.aborted) {
      const untilMs = spokeMs + silenceMs - clock.monotonicMs()
      if (untilMs <= 0) {
        if (isPlain()) write(options.heartbeat())
        spokeMs = clock.monotonicMs()
      } else await clock.sleep(untilMs, closing.signal)
    }
  }
  const redraw = async () => {
    while (!closing.signal.aborted) {
      region?.changed()
      await clock.sleep(1_000, closing.signal)
    }
  }
  void tick()
  if (region) void redraw()
  return {
    say: write,
    plain(line) {
      if (isPlain()) write(line)
    },
    changed: () => region?.changed(),
    close() {
      closing.abort()
      region?.close()
    },
  }
}
