import type { ChildInfo } from '../children/children.ts'
import type { Crew } from '../children/crew.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { showDuration } from '../output/quantities.ts'
import { type Gap, Gaps, gapLine } from './gaps.ts'
import type { Settled, WorkEvent } from './job.ts'

/** What is missed meanwhile is one line. */
const gapsMs = 1_000

const unread =
  'nobody reads stdout any more: what could not be printed goes back at no cost; to work unread: > /dev/null'

/** Turns what workers tell into lines and JSON. */
export class Reporter {
  /** Failed here, and to come again. */
  readonly retrying = new Set<string>()
  readonly #invocation: Invocation
  #isUnread = false
  readonly #gaps = new Gaps()
  readonly #closing = new AbortController()
  #isTellingGaps = false

  constructor(invocation: Invocation) {
    this.#invocation = invocation
  }

  take(crew: Crew, child: ChildInfo, event: WorkEvent): void {
    if (event.kind === 'tick') {
      for (const settled of event.settled) this.#settled(child, settled)
      this.#missed(crew, event.gaps)
      crew.feed.changed()
    } else if (event.kind === 'output') this.#output(crew, child, event)
    else if (event.kind === 'dead') {
      crew.message('red', `dead  ${shortId(event.id)}  ${harmless(event.reason)}`)
    } else if (event.kind === 'late') {
      // 0: it was told by others, and nobody knows since when.
      const by = event.overdueMs === 0 ? '' : `${showDuration(event.overdueMs)} `
      crew.message('yellow', `late  ${shortId(event.id)}  finished ${by}after its ownership ended`)
    } else if (event.kind === 'unread') this.#endUnread(crew)
    else if (event.kind === 'failed') {
      const id = event.id === null ? '' : `${shortId(event.id)}  `
      crew.message('yellow', `error ${id}${harmless(event.text)}`)
    }
  }

  /** What was missed last stands in the sum alone. */
  close(): void {
    this.#closing.abort()
  }

  #missed(crew: Crew, gaps: readonly Gap[]): void {
    for (const gap of gaps) this.#gaps.add(gap)
    if (!this.#isTellingGaps && !this.#gaps.isEmpty) void this.#tellGaps(crew)
  }

  /** The first at once, then once a second. */
  async #tellGaps({ feed }: Crew): Promise<void> {
    const { clock, output } = this.#invocation
    this.#isTellingGaps = true
    while (!this.#closing.signal.aborted && !this.#gaps.isEmpty) {
      for (const gap of this.#gaps.take()) {
        feed.say(output.lookOfStderr.paint('yellow', gapLine(gap)))
      }
      await clock.sleep(gapsMs, this.#closing.signal)
    }
    this.#isTellingGaps = false
  }

  #endUnread(crew: Crew): void {
    if (this.#isUnread) return
    this.#isUnread = true
    crew.feed.say(unread)
    this.#invocation.interrupts.stop()
  }

  #settled(child: ChildInfo, { id, kind, outcome, attempt, tookMs }: Settled): void {
    const { output } = this.#invocation
    if (kind === 'retry' && outcome !== 'late') this.retrying.add(id)
    else if (kind !== 'release') this.retrying.delete(id)
    void output.event('work.settled', {
      id,
      worker: child.name,
      verdict: kind,
      outcome,
      attempt,
      duration_ms: Math.round(tookMs * 10) / 10,
    })
  }

  #output(
    crew: Crew,
    child: ChildInfo,
    { id, line, isError }: Extract<WorkEvent, { kind: 'output' }>,
  ): void {
    const { output } = this.#invocation
    if (isError) crew.feed.say(`${child.name} ${shortId(id)}  ${harmless(line)}`)
    else if (output.isJson) void output.event('work.output', { id, worker: child.name, line })
    else if (output.format !== 'none') crew.feed.say(line)
  }
}
