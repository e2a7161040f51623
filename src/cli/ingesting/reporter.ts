import type { Pipeline } from '../../pipelines/index.ts'
import { noStats, type RunStats } from '../../pipelines/runStats.ts'
import type { ChildInfo } from '../children/children.ts'
import { type Crew, type CrewEnd, endJson, endWords } from '../children/crew.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import {
  countOf,
  isoTime,
  showBytes,
  showCount,
  showElapsed,
  showTime,
} from '../output/quantities.ts'
import type { IngestEvent } from './job.ts'

/** Adds up what workers tell, and says it. */
export class Reporter {
  /** Failed here, and to come again. */
  readonly retrying = new Set<string>()
  retried = 0
  readonly #invocation: Invocation
  readonly #pipeline: Pick<Pipeline, 'name' | 'tables'>
  /** Of every process ever started: what a dead one had landed stays landed. */
  readonly #stats = new Map<string, RunStats>()
  #commits = 0

  constructor(invocation: Invocation, pipeline: Pick<Pipeline, 'name' | 'tables'>) {
    this.#invocation = invocation
    this.#pipeline = pipeline
  }

  get held(): number {
    return this.#sum(({ held }) => held)
  }

  started({ name, pid }: ChildInfo): void {
    this.#stats.set(`${name} ${pid}`, noStats())
  }

  died({ name, pid }: ChildInfo): void {
    const stats = this.#stats.get(`${name} ${pid}`)
    if (stats) this.#stats.set(`${name} ${pid}`, { ...stats, held: 0 })
  }

  take(crew: Crew, child: ChildInfo, event: IngestEvent): void {
    switch (event.kind) {
      case 'ready':
        return
      case 'stats':
        this.#stats.set(`${child.name} ${child.pid}`, event.stats)
        crew.feed.changed()
        return
      case 'commit':
        this.#commit(crew, child, event.landed)
        return
      case 'dead':
        crew.message('red', `dead  ${shortId(event.id)}  ${harmless(event.reason)}`)
        return
      case 'retried':
        this.retrying.add(event.id)
        this.retried++
        crew.message('yellow', `retry ${shortId(event.id)}  ${harmless(event.text)}`)
        return
      case 'retaken':
        this.retrying.delete(event.id)
        return
      case 'error':
        crew.message('red', `error ${harmless(event.text)}`)
    }
  }

  /** `12:10:00  commit 1   7,104 messages   17,052 + 17,052 rows   2 files   712 kB` */
  #commit(
    crew: Crew,
    child: ChildInfo,
    landed: Extract<IngestEvent, { kind: 'commit' }>['landed'],
  ): void {
    const { output, clock } = this.#invocation
    const nowMs = clock.wallMs()
    this.#commits++
    const rows = this.#pipeline.tables.map(({ name }) => landed.rows[name] ?? 0)
    if (output.isJson) {
      void output.event('ingest.commit', {
        commit: landed.id,
        worker: child.name,
        time: isoTime(nowMs),
        messages: landed.messages,
        dead: landed.dead,
        rows: landed.rows,
        files: landed.files.length,
        bytes: landed.bytes,
        duration_ms: Math.round(landed.tookMs),
      })
      return
    }
    const deadText = landed.dead > 0 ? `   ${showCount(landed.dead)} dead` : ''
    const line = `${showTime(nowMs, nowMs, output.utc).slice(0, 8)}  commit ${this.#commits}   ${countOf(landed.messages, 'message')}   ${rows.length === 1 ? countOf(rows[0] as number, 'row') : `${rows.map(showCount).join(' + ')} rows`}   ${countOf(landed.files.length, 'file')}   ${showBytes(landed.bytes)}${deadText}`
    // A line of the answer: on stdout, unless that would tear the live region apart.
    if (this.#invocation.live && process.stdout.isTTY) crew.feed.say(line)
    else void output.data(`${line}\n`)
  }

  status(upMs: number): string {
    const of = (name: 'landed' | 'dead' | 'recognised' | 'held' | 'files') =>
      showCount(this.#sum((stats) => stats[name]))
    return `landed ${of('landed')}  held ${of('held')}  dead ${of('dead')}  known ${of('recognised')}  files ${of('files')}   up ${showElapsed(upMs)}`
  }

  async summary(end: CrewEnd): Promise<void> {
    const { output } = this.#invocation
    const sum = (
      name:
        | 'landed'
        | 'retried'
        | 'dead'
        | 'recognised'
        | 'skipped'
        | 'files'
        | 'bytes'
        | 'settled'
        | 'late'
        | 'conflicts',
    ) => this.#sum((stats) => stats[name])
    const rows: Record<string, number> = {}
    for (const stats of this.#stats.values()) {
      for (const [table, count] of Object.entries(stats.rows)) {
        rows[table] = (rows[table] ?? 0) + count
      }
    }
    const rowCount = Object.values(rows).reduce((total, count) => total + count, 0)
    const notes = [
      ...(sum('recognised') > 0 ? [`${showCount(sum('recognised'))} known ids skipped`] : []),
      ...(sum('skipped') > 0 ? [`${showCount(sum('skipped'))} without rows`] : []),
      ...(sum('retried') > 0 ? [`${showCount(sum('retried'))} retried`] : []),
      ...(sum('dead') > 0 ? [`${showCount(sum('dead'))} dead`] : []),
      ...(sum('conflicts') > 0
        ? [`${showCount(sum('conflicts'))} conflicts, the first file stays`]
        : []),
      `acked ${showCount(sum('settled'))}`,
      ...endWords(end),
    ]
    await output.answer({
      type: 'ingest.summary',
      fields: {
        pipeline: this.#pipeline.name,
        messages: sum('landed'),
        rows,
        files: sum('files'),
        bytes: sum('bytes'),
        commits: this.#commits,
        recognised: sum('recognised'),
        skipped: sum('skipped'),
        retried: sum('retried'),
        dead: sum('dead'),
        conflicts: sum('conflicts'),
        acked: sum('settled'),
        late: sum('late'),
        ...endJson(end),
      },
      lines: () => [
        `${countOf(sum('landed'), 'message')}, ${countOf(rowCount, 'row')} in ${countOf(sum('files'), 'file')}, ${showBytes(sum('bytes'))}; ${notes.join('; ')}`,
      ],
    })
  }

  #sum(of: (stats: RunStats) => number): number {
    return [...this.#stats.values()].reduce((total, stats) => total + of(stats), 0)
  }
}
