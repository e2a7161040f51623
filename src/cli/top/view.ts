import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { showTime } from '../output/quantities.ts'
import { type Change, Changes } from './changes.ts'
import { changeLine, topFrame } from './frame.ts'
import { History } from './history.ts'
import { AlternateScreen } from './screen.ts'
import type { Snapshot } from './snapshot.ts'

const eventsMax = 100

/** The screen of `top`, and what its keys do. */
export class TopView implements Disposable {
  readonly #invocation: Invocation
  readonly #screen: AlternateScreen
  readonly #history = new History()
  readonly #changes: Changes
  readonly #sinceMs: number
  readonly #url: string
  readonly #environment: string | null
  #snapshot: Snapshot
  #events: string[] = []
  #trouble: string | null = null
  /** By name: the order changes while one looks. */
  #selected: string | null = null
  #isPaused = false

  constructor(invocation: Invocation, { shownUrl, settings }: Connected, first: Snapshot) {
    this.#invocation = invocation
    this.#snapshot = first
    this.#sinceMs = invocation.clock.wallMs()
    this.#changes = new Changes(this.#sinceMs)
    this.#changes.next(first.workers)
    this.#url = shownUrl
    this.#environment = settings.context?.context.environment?.name ?? null
    this.#screen = new AlternateScreen(process.stdout, process.stdin, {
      key: (key) => this.#key(key),
      resize: () => this.#draw(),
    })
    this.#draw()
  }

  show(snapshot: Snapshot): void {
    this.#trouble = null
    this.#history.take(snapshot)
    for (const change of this.#changes.next(snapshot.workers)) this.#say(change)
    if (this.#isPaused) return
    this.#snapshot = snapshot
    this.#draw()
  }

  /** What was seen last stays, and the next look may succeed. */
  failed({ message }: Error): void {
    this.#trouble = `the last look failed: ${message}`
    this.#draw()
  }

  [Symbol.dispose](): void {
    this.#screen[Symbol.dispose]()
  }

  #say(change: Change): void {
    const { clock, output } = this.#invocation
    const nowMs = clock.wallMs()
    this.#events.push(changeLine(change, showTime(nowMs, nowMs, output.utc).slice(0, 8)))
    this.#events = this.#events.slice(-eventsMax)
  }

  get #at(): number {
    const at = this.#snapshot.channels.findIndex(({ channel }) => channel === this.#selected)
    return Math.max(0, at)
  }

  #key(key: string): void {
    const { interrupts } = this.#invocation
    if (key === '\x03') interrupts.interrupt()
    else if (key === 'q') interrupts.stop()
    else if (key === 'p') this.#isPaused = !this.#isPaused
    else if (key === 'up' || key === 'down') this.#move(key === 'up' ? -1 : 1)
    else return
    this.#draw()
  }

  #move(by: number): void {
    const { channels } = this.#snapshot
    this.#selected =
      channels[Math.min(channels.length - 1, Math.max(0, this.#at + by))]?.channel ?? null
  }

  #draw(): void {
    const { output } = this.#invocation
    const { columns, rows, hasKeys } = this.#screen
    const facts = {
      ...{ snapshot: this.#snapshot, history: this.#history, events: this.#events },
      ...{ selected: this.#at, url: this.#url, environment: this.#environment, hasKeys },
      ...{ sinceMs: this.#sinceMs, isPaused: this.#isPaused, trouble: this.#trouble },
      ...{ utc: output.utc, look: output.look },
    }
    this.#screen.draw(topFrame(facts, columns, rows))
  }
}
