import { spawn } from 'node:child_process'
import { fstatSync, writeSync } from 'node:fs'
import { untilAborted } from '../../runtime/untilAborted.ts'

/** For shells that poll: of a pipe that nobody reads they say that there is something to read. */
const lookScript = `
if command -v bash > /dev/null; then exec bash -c 'read -r -t 0 -u 1'; fi
read -r -t 0 -u 1
`

/** Lets no message pay for it when nobody reads stdout any more. */
export class Outlet {
  #isGone = false
  /** Not before it is asked for: opening them changes the pipe that running programs share. */
  #own: readonly NodeJS.WriteStream[] = []
  readonly #onGone: () => void

  /** `onGone` is called once: the run is to end. */
  constructor(onGone: () => void) {
    this.#onGone = onGone
  }

  /** For handlers that print from this process: else the first line that is lost would end it. */
  watch(): void {
    this.#own = [process.stdout, process.stderr]
    for (const stream of this.#own) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
        this.#lose()
      })
    }
  }

  get isGone(): boolean {
    // The event comes later than the end of a handler that waits for nothing.
    return this.#isGone || this.#own.some(({ errored }) => errored !== null)
  }

  /** Resolves when all that was printed here has left this process, or is lost. */
  async written(): Promise<void> {
    const unwritten = this.#own.filter((one) => one.writableLength > 0 && one.errored === null)
    await Promise.all(
      unwritten.map((one) => new Promise<void>((done) => one.write('', () => done()))),
    )
  }

  /** Keeps the message in hand until the worker is made to give it back at no cost. */
  async giveBack(signal: AbortSignal): Promise<never> {
    this.#lose()
    return untilAborted(new Promise<never>(() => {}), signal)
  }

  #lose(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#onGone()
  }
}

/**
 * Whether nobody is left to read what programs print to the stdout of this process. No on Linux
 * where stdout is a pipe and there is neither bash nor busybox.
 */
export async function isStdoutGone(): Promise<boolean> {
  // Linux takes nothing into a pipe that nobody reads, as it does into any other.
  if (process.platform === 'linux' && fstatSync(1).isFIFO()) return isPipeGone()
  try {
    writeSync(1, '')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPIPE'
  }
}

function isPipeGone(): Promise<boolean> {
  const { PATH } = process.env
  const look = spawn('/bin/sh', ['-c', lookScript], {
    env: { PATH },
    stdio: ['ignore', 'inherit', 'ignore'],
  })
  return new Promise((resolve) => {
    look.on('error', () => resolve(false))
    look.on('exit', (code) => resolve(code === 0))
  })
}
