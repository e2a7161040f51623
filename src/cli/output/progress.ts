import { type Clock, systemClock } from '../../core/clock.ts'
import type { Output } from './output.ts'
import { showCount, showDuration, showRate } from './quantities.ts'

const showAfterMs = 2_000
const everyMs = 200
const plainEveryMs = 10_000

/** Progress of something with a known or unknown end. Shown only once it takes longer than 2 s. */
export interface Progress {
  update(done: number): void
  /** Takes the bar away. */
  end(): void
}

/**
 * On a terminal a bar in one line, replaced in place; elsewhere one line every ten seconds, so
 * that a log shows that the program lives.
 */
export function makeProgress(
  output: Output,
  verb: string,
  total: number | null,
  { live, clock = systemClock }: { live: boolean; clock?: Clock },
): Progress {
  const beganMs = clock.monotonicMs()
  let shownMs = beganMs + showAfterMs - (live ? everyMs : plainEveryMs)
  let isShown = false
  return {
    update(done) {
      const nowMs = clock.monotonicMs()
      if (output.quiet) return
      if (nowMs - beganMs < showAfterMs || nowMs - shownMs < (live ? everyMs : plainEveryMs)) return
      shownMs = nowMs
      const line = progressLine(output, verb, done, total, nowMs - beganMs)
      if (live) output.stderr.write(`\r\x1b[2K${line}`)
      else output.note(line)
      isShown = true
    },
    end() {
      if (isShown && live) output.stderr.write('\r\x1b[2K')
    },
  }
}

function progressLine(
  output: Output,
  verb: string,
  done: number,
  total: number | null,
  tookMs: number,
): string {
  const perSecond = (done / Math.max(1, tookMs)) * 1_000
  if (total === null) return `${verb} ${showCount(done)}   ${showRate(perSecond)}`
  const eta = perSecond > 0 ? showDuration(((total - done) / perSecond) * 1_000) : '-'
  const bar = output.lookOfStderr.bar(total === 0 ? 1 : done / total, 20)
  return `${verb} ${bar} ${showCount(done)}/${showCount(total)}   ${showRate(perSecond)}   eta ${eta}`
}
