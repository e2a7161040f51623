import type { ChildInfo } from '../children/children.ts'
import type { Crew } from '../children/crew.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { showDuration } from '../output/quantities.ts'
import type { Settled, WorkEvent } from './job.ts'

/** Turns what workers tell into lines and JSON. */
export class Reporter {
  /** Failed here, and to come again. */
  readonly retrying = new Set<string>()
  readonly #invocation: Invocation

  constructor(invocation: Invocation) {
    this.#invocation = invocation
  }

  take(crew: Crew, child: ChildInfo, event: WorkEvent): void {
    if (event.kind === 'tick') {
      for (const settled of event.settled) this.#settled(child, settled)
      crew.feed.changed()
    } else if (event.kind === 'output') this.#output(crew, child, event)
    else if (event.kind === 'dead') {
      crew.message('red', `dead  ${shortId(event.id)}  ${harmless(event.reason)}`)
    } else if (event.kind === 'late') {
      // 0: it was told by others, and nobody knows since when.
      const by = event.overdueMs === 0 ? '' : `${showDuration(event.overdueMs)} `
      crew.message('yellow', `late  ${shortId(event.id)}  finished ${by}after its ownership ended`)
    } else if (event.kind === 'failed') {
      const id = event.id === null ? '' : `${shortId(event.id)}  `
      crew.message('yellow', `error ${id}${harmless(event.text)}`)
    }
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
