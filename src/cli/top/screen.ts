import type { Keyboard, Screen } from '../output/liveRegion.ts'

const csi = '\x1b['
const enter = `${csi}?1049h${csi}?25l`
const leave = `${csi}?25h${csi}?1049l`

/**
 * The alternate screen of a terminal: what stood there before is back when it closes, on every way
 * out of the process that runs JavaScript.
 */
export class AlternateScreen implements Disposable {
  readonly #screen: Screen
  readonly #keyboard: Keyboard | null
  readonly #onKey: (data: Buffer) => void
  readonly #onResize: () => void
  readonly #onExit = () => this[Symbol.dispose]()
  #isClosed = false

  constructor(
    screen: Screen,
    keyboard: Keyboard,
    on: { key: (key: string) => void; resize: () => void },
  ) {
    this.#screen = screen
    this.#keyboard = keyboard.isTTY ? keyboard : null
    this.#onKey = (data) => {
      for (const key of keysOf(data.toString())) on.key(key)
    }
    this.#onResize = on.resize
    process.on('exit', this.#onExit)
    screen.write(enter)
    screen.on('resize', this.#onResize)
    this.#keyboard?.setRawMode?.(true)
    this.#keyboard?.on('data', this.#onKey)
    this.#keyboard?.resume()
  }

  get hasKeys(): boolean {
    return this.#keyboard !== null
  }

  get columns(): number {
    return this.#screen.columns ?? 80
  }

  get rows(): number {
    return this.#screen.rows ?? 24
  }

  /**
   * As many lines as the window has. Each is erased before it is written: after a line that fills
   * the window, erasing would take its last character.
   */
  draw(lines: readonly string[]): void {
    if (this.#isClosed) return
    const shown = lines.slice(0, this.rows).map((line) => `${csi}K${line}`)
    this.#screen.write(`${csi}?2026h${csi}H${shown.join('\r\n')}${csi}?2026l`)
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    process.off('exit', this.#onExit)
    this.#screen.off('resize', this.#onResize)
    this.#keyboard?.off('data', this.#onKey)
    this.#keyboard?.setRawMode?.(false)
    this.#keyboard?.pause()
    this.#screen.write(leave)
  }
}

const arrows: Readonly<Record<string, string>> = { A: 'up', B: 'down' }
const esc = '\x1b'
/** Arrows come as three characters. */
const oneKey = new RegExp(`${esc}[[O]([A-Z])|([^${esc}])`, 'g')

function keysOf(text: string): string[] {
  return [...text.matchAll(oneKey)].flatMap(([, arrow, key]) => {
    const name = arrow === undefined ? key : arrows[arrow]
    return name === undefined ? [] : [name]
  })
}
