import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { OwnFolder } from './ownFolder.ts'

/** A program that we started and that has said that it is ready. */
export interface OwnProcess {
  readonly pid: number
  /** The end of what it has printed, at most 64 KiB. */
  output(): string
  /** Sends the signal and waits until the process has ended; nothing when it has already. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** It is ready when what it prints matches. */
  readonly ready: RegExp
  readonly readyWithinMs: number
}

/** The program ended, or did not get ready in time. Nothing of it runs any more. */
export class NotStarted extends Error {
  readonly output: string

  constructor(text: string, output: string) {
    super(`${text}\n${output.trim()}`)
    this.output = output
  }
}

const outputCharsMax = 65_536

/** Starts a program in the folder and waits until it is ready. */
export async function ownProcess(program: Program, folder: OwnFolder): Promise<OwnProcess> {
  const { command, args } = program
  const child = spawn(command, args, { cwd: folder.path, stdio: 'pipe', detached: true })
  child.stdin.end()
  const closed = once(child, 'close')
  folder.hold(child.pid ?? null)
  child.once('exit', () => folder.hold(null))
  const printed = gather(child)
  const own = { child, closed, printed }
  try {
    await isReady(own, program)
  } catch (error) {
    await end(own, 'SIGKILL')
    const reason = error instanceof Error ? error.message : String(error)
    throw new NotStarted(`${command} ${args.join(' ')}: ${reason}`, printed.text)
  }
  return {
    pid: child.pid as number,
    output: () => printed.text,
    end: async (signal) => await end(own, signal),
  }
}

interface Own {
  readonly child: ChildProcess
  readonly closed: Promise<unknown>
  readonly printed: Printed
}

interface Printed {
  text: string
  onText: () => void
}

function gather({ stdout, stderr }: ChildProcess): Printed {
  const printed: Printed = { text: '', onText: () => {} }
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed.text = (printed.text + text).slice(-outputCharsMax)
      printed.onText()
    })
  }
  return printed
}

async function isReady({ child, closed, printed }: Own, program: Program): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const late = () => reject(new Error(`not ready within ${program.readyWithinMs} ms`))
    const timer = setTimeout(late, program.readyWithinMs)
    printed.onText = () => {
      if (!program.ready.test(printed.text)) return
      clearTimeout(timer)
      resolve()
    }
    const ended = () => {
      clearTimeout(timer)
      reject(new Error(`ended with ${child.exitCode ?? child.signalCode} before it was ready`))
    }
    closed.then(ended, (error: unknown) => {
      clearTimeout(timer)
      reject(error)
    })
  })
  printed.onText = () => {}
}

async function end({ child, closed }: Own, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  child.kill(signal)
  await closed.catch(() => {}) // A program that could not be started has ended too.
}
