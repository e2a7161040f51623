import { type Clock, systemClock } from '../../core/clock.ts'
import { cut } from './displayWidth.ts'

/** The part of a terminal that a live region needs: stderr. */
export interface Screen {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** The keyboard: stdin, when it is a terminal. */
export interface Keyboard {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
  resume(): unknown
  pause(): unknown
  on(event: 'data', listener: (data: Buffer) => void): unknown
  off(event: 'data', listener: (data: Buffer) => void): unknown
}

export interface LiveRegionOptions {
  readonly screen: Screen
  readonly keyboard?: Keyboard | null
  /** Makes the lines of a frame; asked at most ten times a second, only while the region shows. */
  readonly frame: (columns: number) => readonly string[]
  /** `q`. */
  readonly onStop?: () => void
  /** Ctrl-C, which a raw terminal hands over as a key. */
  readonly onInterrupt?: () => void
  readonly ellipsis?: string
  readonly clock?: Clock
}

const frameMs = 100
const csi = '\x1b['
const hideCursor = `${csi}?25l`
const showCursor = `${csi}?25h`
const beginUpdate = `${csi}?2026h`
const endUpdate = `${csi}?2026l`
const eraseLine = `${csi}2K`
const eraseBelow = `${csi}J`

/**
 * Lines at the bottom of a terminal that are replaced in place. Only changed lines are written,
 * never more than the window holds, and each frame in one synchronized update. The cursor is
 * shown again on every way out of the process that runs JavaScript: `close`, exit, crash.
 * Keys: `s` plain lines and back, `p` pause, `q` stop.
 */
export class LiveRegion {
  readonly #screen: Screen
  readonly #keyboard: Keyboard | null
  readonly #options: LiveRegionOptions
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #shown: readonly string[] = []
  #isPlain = false
  #isPaused = false
  #isClosed = false
  #isScheduled = false
  #drawnMs = Number.NEGATIVE_INFINITY

  constructor(options: LiveRegionOptions) {
    this.#options = options
    this.#screen = options.screen
    this.#keyboard = options.keyboard?.isTTY ? options.keyboard : null
    this.#clock = options.clock ?? systemClock
    this.#screen.write(hideCursor)
    this.#screen.on('resize', this.#onResize)
    process.on('exit', this.#onExit)
    this.#keyboard?.setRawMode?.(true)
    this.#keyboard?.on('data', this.#onKey)
    this.#keyboard?.resume()
  }

  /** True while `s` has switched the region off. */
  get isPlain(): boolean {
    return this.#isPlain
  }

  /** Something changed: a frame is drawn within a tenth of a second. */
  changed(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    const waitMs = Math.max(0, this.#drawnMs + frameMs - this.#clock.monotonicMs())
    void this.#clock.sleep(waitMs, this.#closing.signal).then(() => {
      this.#isScheduled = false
      if (!this.#isClosed && !this.#isPlain && !this.#isPaused) this.#draw(this.#frame())
    })
  }

  /** Writes lines that stay, above the region. */
  say(...lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('')
    if (this.#shown.length === 0) {
      this.#screen.write(text)
      return
    }
    const below = this.#shown.map((line) => `${line}\n`).join('')
    this.#screen.write(`${beginUpdate}${this.#toTop()}${eraseBelow}${text}${below}${endUpdate}`)
  }

  /** Takes the region away and gives the terminal back. Closing twice is fine. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closing.abort()
    this.#erase()
    this.#screen.write(showCursor)
    this.#screen.off('resize', this.#onResize)
    process.off('exit', this.#onExit)
    this.#keyboard?.off('data', this.#onKey)
    this.#keyboard?.setRawMode?.(false)
    this.#keyboard?.pause()
  }

  #frame(): readonly string[] {
    const columns = this.#screen.columns ?? 80
    const rows = this.#screen.rows ?? 24
    return this.#options
      .frame(columns)
      .slice(0, Math.max(0, rows - 1))
      .map((line) => cut(line, columns - 1, this.#options.ellipsis ?? '…'))
  }

  #draw(lines: readonly string[]): void {
    this.#drawnMs = this.#clock.monotonicMs()
    const before = this.#shown
    if (lines.length === before.length && lines.every((line, at) => line === before[at])) return
    const changes = lines.map((line, at) =>
      line === before[at] ? '\n' : `${at < before.length ? eraseLine : ''}${line}\n`,
    )
    const rest = lines.length < before.length ? eraseBelow : ''
    this.#screen.write(`${beginUpdate}${this.#toTop()}${changes.join('')}${rest}${endUpdate}`)
    this.#shown = lines
  }

  #erase(): void {
    if (this.#shown.length > 0) this.#screen.write(`${this.#toTop()}${eraseBelow}`)
    this.#shown = []
  }

  #toTop(): string {
    return this.#shown.length === 0 ? '' : `\r${csi}${this.#shown.length}A`
  }

  readonly #onExit = () => this.close()

  /** What the terminal did with the old lines is unknown, so all are written anew. */
  readonly #onResize = () => {
    this.#erase()
    this.changed()
  }

  readonly #onKey = (data: Buffer) => {
    for (const key of data.toString()) {
      if (key === '\x03') this.#options.onInterrupt?.()
      else if (key === 'q') this.#options.onStop?.()
      else if (key === 'p') {
        this.#isPaused = !this.#isPaused
        this.changed()
      } else if (key === 's') {
        this.#isPlain = !this.#isPlain
        if (this.#isPlain) this.#erase()
        this.changed()
      }
    }
  }
}
