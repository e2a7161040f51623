import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { OwnFolder } from './ownFolder.ts'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** All of its environment. @default that of this process */
  readonly env?: Readonly<Record<string, string>>
  /** It is ready when what it prints matches. */
  readonly ready: RegExp
  readonly readyWithinMs: number
  /**
   * A shell command that ends what this program started elsewhere, harmless when that has ended.
   * @default SIGKILL to the process and those that it has started
   */
  readonly endBy?: string
}

/** The program ended, or was not ready in time. Nothing of it runs any more. */
export class NotStarted extends Error {
  readonly output: string

  constructor(text: string, output: string) {
    super(`${text}\n${output.trim()}`.trim())
    this.output = output
  }
}

const outputCharsMax = 65_536

/** A program that we started in a folder of its own, with what it prints. */
export class OwnProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #output = ''
  #printed = () => {}

  /** Resolves when the program is ready. @throws NotStarted */
  static async start(program: Program, folder: OwnFolder): Promise<OwnProcess> {
    const own = new OwnProcess(program, folder)
    try {
      await own.#ready(program)
      return own
    } catch (error) {
      await own.end('SIGKILL')
      const { command, args } = program
      const reason = error instanceof Error ? error.message : String(error)
      throw new NotStarted(`${[command, ...args].join(' ')}: ${reason}`, own.#output)
    }
  }

  private constructor({ command, args, env, endBy }: Program, folder: OwnFolder) {
    const here = { cwd: folder.path, ...(env && { env }) }
    const child = spawn(command, args, { ...here, stdio: 'pipe', detached: true })
    this.#child = child
    this.#closed = once(child, 'close')
    this.#closed.catch(() => {}) // heard by `#ready`
    child.stdin.end()
    if (child.pid !== undefined) {
      const ended = folder.endBy(endBy ?? `kill -9 -${child.pid}`)
      if (endBy === undefined) child.once('exit', ended)
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-outputCharsMax)
        this.#printed()
      })
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  get isRunning(): boolean {
    const { pid, exitCode, signalCode } = this.#child
    return pid !== undefined && exitCode === null && signalCode === null
  }

  /** The end of what it has printed, at most 64 KiB. */
  get output(): string {
    return this.#output
  }

  /**
   * Waits until it has ended, at once when it has already. SIGKILL ends those that it has started
   * too: a server's half-written snapshot is not finished by its child.
   */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.isRunning) process.kill(signal === 'SIGKILL' ? -this.pid : this.pid, signal)
    await this.#closed.catch(() => {}) // a program that could not be started has ended too
  }

  async #ready({ ready, readyWithinMs }: Program): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = () => reject(new Error(`it is not ready within ${readyWithinMs} ms`))
    const timer = setTimeout(late, readyWithinMs)
    this.#printed = () => {
      if (ready.test(this.#output)) resolve()
    }
    const ended = () => {
      const { exitCode, signalCode } = this.#child
      reject(new Error(`it ended with ${exitCode ?? signalCode} before it was ready`))
    }
    this.#closed.then(ended, reject)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#printed = () => {}
    }
  }
}
