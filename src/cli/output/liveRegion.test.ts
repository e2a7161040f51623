import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import { type Keyboard, LiveRegion } from './liveRegion.ts'

const esc = '\u001b'
const parts = new RegExp(`(${esc}\\[[?0-9;]*[A-Za-z]|\n|\r)`)

/** A terminal of so many columns and rows that shows what was written to it. */
class Terminal extends EventEmitter {
  readonly columns: number
  readonly rows: number
  readonly written: string[] = []
  isCursorShown = true
  #lines: string[] = ['']
  #row = 0

  constructor(columns = 80, rows = 24) {
    super()
    this.columns = columns
    this.rows = rows
  }

  get text(): string {
    return this.#lines.join('\n').trimEnd()
  }

  write(text: string): void {
    this.written.push(text)
    for (const part of text.split(parts)) this.#take(part)
  }

  #take(part: string): void {
    if (part === '\n') this.#lines[++this.#row] ??= ''
    else if (part.endsWith('A') && part.startsWith('\u001b')) {
      this.#row -= Number(part.slice(2, -1))
      if (this.#row < 0) throw new Error('moved above the first line')
    } else if (part === '\u001b[2K') this.#lines[this.#row] = ''
    else if (part === '\u001b[J') {
      this.#lines.length = this.#row
      this.#lines.push('')
    } else if (part === '\u001b[?25l') this.isCursorShown = false
    else if (part === '\u001b[?25h') this.isCursorShown = true
    else if (part !== '' && part !== '\r' && !part.startsWith('\u001b')) {
      this.#lines[this.#row] = part
    }
  }
}

class Keys extends EventEmitter implements Keyboard {
  readonly isTTY = true
  isRaw = false
  isPaused = true
  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw
  }
  resume(): void {
    this.isPaused = false
  }
  pause(): void {
    this.isPaused = true
  }
  press(keys: string): void {
    this.emit('data', Buffer.from(keys))
  }
}

/** A clock whose sleeps end when it is told. */
function steppedClock() {
  let nowMs = 0
  let wake: (() => void)[] = []
  const clock: Clock = {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: () => new Promise((resolve) => wake.push(resolve)),
  }
  const tick = async (ms: number) => {
    nowMs += ms
    const due = wake
    wake = []
    for (const one of due) one()
    await Promise.resolve()
    await Promise.resolve()
  }
  return { clock, tick }
}

function open(frame: () => readonly string[], terminal = new Terminal()) {
  const { clock, tick } = steppedClock()
  const keyboard = new Keys()
  const told: string[] = []
  const region = new LiveRegion({
    screen: terminal,
    keyboard,
    frame,
    clock,
    onStop: () => told.push('stop'),
    onInterrupt: () => told.push('interrupt'),
  })
  const draw = async () => {
    region.changed()
    await tick(100)
  }
  return { terminal, keyboard, region, told, draw, tick }
}

describe('LiveRegion', () => {
  it('replaces its lines in place and writes only what changed', async () => {
    let lines = ['first', 'second', 'third']
    const { terminal, draw } = open(() => lines)
    await draw()
    expect(terminal.text).toBe('first\nsecond\nthird')
    lines = ['first', 'SECOND', 'third']
    await draw()
    expect(terminal.text).toBe('first\nSECOND\nthird')
    expect(terminal.written.at(-1)).not.toContain('first')
    lines = ['only']
    await draw()
    expect(terminal.text).toBe('only')
    const count = terminal.written.length
    await draw()
    expect(terminal.written.length).toBe(count)
  })

  it('draws at most ten frames a second', async () => {
    let asked = 0
    const { region, tick } = open(() => [`frame ${++asked}`])
    for (let n = 0; n < 50; n++) region.changed()
    await tick(100)
    for (let n = 0; n < 50; n++) region.changed()
    await tick(100)
    expect(asked).toBe(2)
  })

  it('keeps what is said above itself', async () => {
    const { terminal, region, draw } = open(() => ['live 1', 'live 2'])
    region.say('before')
    await draw()
    region.say('w3 died', 'w3 started anew')
    expect(terminal.text).toBe('before\nw3 died\nw3 started anew\nlive 1\nlive 2')
    region.close()
    expect(terminal.text).toBe('before\nw3 died\nw3 started anew')
  })

  it('is never taller or wider than the window', async () => {
    const { terminal, draw } = open(
      () => Array.from({ length: 50 }, (_, at) => `line ${at} ${'x'.repeat(100)}`),
      new Terminal(20, 6),
    )
    await draw()
    const lines = terminal.text.split('\n')
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(line.length).toBeLessThan(20)
  })

  it.for(['close', 'exit'] as const)('gives cursor and keyboard back on %s', async (way) => {
    const { terminal, keyboard, region, draw } = open(() => ['x'])
    await draw()
    expect([terminal.isCursorShown, keyboard.isRaw]).toEqual([false, true])
    if (way === 'close') region.close()
    else {
      const listener = process.listeners('exit').at(-1) as () => void
      listener()
    }
    expect([terminal.isCursorShown, keyboard.isRaw, keyboard.isPaused]).toEqual([true, false, true])
    region.close()
    expect(terminal.listenerCount('resize')).toBe(0)
    expect(keyboard.listenerCount('data')).toBe(0)
  })

  it('obeys its keys', async () => {
    let text = 'a'
    const { terminal, keyboard, told, draw } = open(() => [text])
    await draw()
    keyboard.press('p')
    text = 'b'
    await draw()
    expect(terminal.text).toBe('a')
    keyboard.press('p')
    await draw()
    expect(terminal.text).toBe('b')
    keyboard.press('s')
    await draw()
    expect(terminal.text).toBe('')
    keyboard.press('s')
    await draw()
    expect(terminal.text).toBe('b')
    keyboard.press('q\u0003')
    expect(told).toEqual(['stop', 'interrupt'])
  })

  it('starts anew after the window changed', async () => {
    const { terminal, draw } = open(() => ['one', 'two'])
    await draw()
    terminal.emit('resize')
    expect(terminal.text).toBe('')
    await draw()
    expect(terminal.text).toBe('one\ntwo')
  })
})
