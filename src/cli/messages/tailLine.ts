import type { Stored } from '../../core/driver.ts'
import { cut, displayWidth, harmless, padEnd, padStart } from '../output/displayWidth.ts'
import type { Output } from '../output/output.ts'
import { showBytes, showTime } from '../output/quantities.ts'
import { preview, shortId, shownId, wholeBody } from './view.ts'

/** A longer cell shifts what follows it: one key must not take the room of every line. */
const padMax = 24

/** The lines of `tail`, below one another: a column has the width of the widest so far. */
export class TailLines {
  readonly #output: Output
  readonly #widths: number[] = []

  constructor(output: Output) {
    this.#output = output
  }

  /** Makes room for messages that are shown next. */
  makeRoom(page: readonly Stored[]): void {
    for (const stored of page) {
      for (const [at, cell] of cellsOf(stored).entries()) {
        const width = Math.min(padMax, displayWidth(cell))
        this.#widths[at] = Math.max(this.#widths[at] ?? 0, width)
      }
    }
  }

  /** `12:04:31.118  #1842  g-041  312 B  attempt 1  {"game":"g-041",…` */
  line(stored: Stored, { wide, nowMs }: { wide: boolean; nowMs: number }): string {
    const { look, width, utc } = this.#output
    const { message } = stored
    this.makeRoom([stored])
    const [place = '', key = '', size = '', state = ''] = cellsOf(stored).map((cell, at) =>
      (at === sizeAt ? padStart : padEnd)(cell, this.#widths[at] as number),
    )
    const head = [
      look.paint('dim', showTime(message.timeMs, nowMs, utc)),
      place,
      ...(wide ? [shownId(message.id)] : []),
      look.paint('cyan', key),
      size,
      state,
    ].join('  ')
    const line = `${head}  ${wide ? wholeBody(message) : preview(message)}`
    return wide || width === Number.POSITIVE_INFINITY ? line : cut(line, width, look.ellipsis)
  }
}

const sizeAt = 2

/** Place, key, size, state. What has no position yet is named by its id, as `messages show` takes it. */
function cellsOf({ message, position, state, failures }: Stored): readonly string[] {
  const isDelayed = state === 'scheduled' && failures === 0
  return [
    position === undefined ? shortId(message.id) : `#${position}`,
    harmless(message.key ?? '-'),
    showBytes(message.bytes),
    isDelayed ? 'delayed' : `attempt ${failures + 1}`,
  ]
}
