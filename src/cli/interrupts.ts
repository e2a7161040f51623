import { constants } from 'node:os'
import { NarrowcastError } from '../core/errors.ts'
import { withoutEchoes } from './echoes.ts'

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** How the person or the system ends a command. */
export interface Interrupts {
  /**
   * "I end in order by myself": the first signal only fires this, the second ends the process.
   * A command that never claims is ended by the first one.
   */
  claim(): AbortSignal
  /** Ends in order without a signal: `q`. The exit code stays that of the command. */
  stop(): void
  /** Ctrl-C as a key, where the terminal is raw. */
  interrupt(): void
  /** Exit code of the signal that came, else null. */
  readonly exitCode: number | null
}

/**
 * Listens to signals, and to readers of our output that went away (`| head`): those end the
 * command quietly, as if it had been asked to stop.
 */
export function listenForInterrupts(program: NodeJS.Process): Interrupts {
  const stopping = new AbortController()
  let isClaimed = false
  let exitCode: number | null = null
  const on = (signal: Signal) => {
    const isSecond = exitCode !== null
    exitCode = 128 + constants.signals[signal]
    if (!isClaimed || isSecond) program.exit(exitCode)
    stopping.abort(signal)
  }
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOSPC') throw outputFull(error)
    if (error.code !== 'EPIPE') throw error
    if (!isClaimed) program.exit(0)
    stopping.abort('pipe')
  }
  const heard = withoutEchoes(on)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    program.on(signal, () => heard(signal))
  program.stdout.on('error', onPipe)
  program.stderr.on('error', onPipe)
  return {
    claim() {
      isClaimed = true
      return stopping.signal
    },
    stop: () => stopping.abort('stop'),
    interrupt: () => on('SIGINT'),
    get exitCode() {
      return exitCode
    },
  }
}

/** Whatever the command has done stands; only its words are lost. */
function outputFull(cause: Error): NarrowcastError {
  return new NarrowcastError(
    'DISK_FULL',
    'the output cannot be written: no space left where it goes',
    {
      definite: false,
      hint: 'Make room there, or send stdout elsewhere. What the command changed stays changed.',
      cause,
    },
  )
}
