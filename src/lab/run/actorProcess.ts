import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NarrowcastError } from '../../core/errors.ts'
import type { ActorJob, FromActor, ToActor } from '../actor/job.ts'
import type { Ending } from './stage.ts'

/** Starting takes a second, or several where many start at once; longer, and it never will. */
const readyMsMax = 60_000
/** Who starts anew may have to wait for a fault to be healed. */
const againMsMax = 600_000

/** One actor in a process of its own. */
export class ActorProcess {
  readonly #child: ChildProcess
  readonly #name: string
  /** Resolves when it has ended, however it did. */
  readonly ended: Promise<Ending>
  readonly #isReady = Promise.withResolvers<void>()
  readonly #probed = Promise.withResolvers<void>()
  readonly #readyMsMax: number
  #failure = ''

  /** `enter`: words before the command, such as those that make it run in another network. */
  constructor(job: ActorJob, [program, ...words]: readonly string[] = []) {
    const body = new URL(`../actor/main${extname(import.meta.url)}`, import.meta.url)
    const child = fork(fileURLToPath(body), [], {
      detached: true, // Ctrl-C is for the supervisor, who lets actors end in order
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      ...(program !== undefined && {
        execPath: program,
        execArgv: [...words, process.execPath, ...process.execArgv],
      }),
    })
    this.#child = child
    this.#readyMsMax = job.id.incarnation === 0 ? readyMsMax : againMsMax
    this.#name = `${job.id.role} ${job.id.actor}, start ${job.id.incarnation}`
    const { promise: ended, resolve: end } = Promise.withResolvers<Ending>()
    this.ended = ended
    child.once('exit', (code, signal) => {
      end(code === 0 ? 'well' : signal === 'SIGKILL' ? 'killed' : 'ill')
    })
    child.on('error', (error) => {
      this.#failure ||= error.message
      if (child.pid === undefined) end('ill') // it never began
    })
    child.on('message', (word: FromActor) => this.#heard(word))
    this.say({ kind: 'job', job })
  }

  /** Undefined where it never began. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Resolves when it has handled a probe. */
  get probed(): Promise<void> {
    return this.#probed.promise
  }

  /** Resolves when it is ready. @throws INTERNAL when it ends before, or takes too long. */
  async ready(): Promise<void> {
    const late = setTimeout(() => {
      this.#failure ||= `it was not ready within ${this.#readyMsMax / 1_000} s`
      void this.end('SIGKILL')
    }, this.#readyMsMax)
    try {
      await Promise.race([this.#isReady.promise, this.ended.then(() => this.#throw())])
    } finally {
      clearTimeout(late)
    }
  }

  say(word: ToActor): void {
    this.#child.send(word, () => {}) // to one that has ended: `ended` says so
  }

  /** Resolves when it has ended; at once where it has ended before. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.ended
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  /** Resolves when it has ended well, or was killed. @throws INTERNAL when it ends otherwise. */
  async succeeded(): Promise<void> {
    if ((await this.ended) === 'ill') this.#throw()
  }

  #heard(word: FromActor): void {
    if (word.kind === 'ready') this.#isReady.resolve()
    else if (word.kind === 'probed') this.#probed.resolve()
    else this.#failure = word.text
  }

  #throw(): never {
    const { exitCode, signalCode } = this.#child
    const how = this.#failure || `it ended with ${signalCode ?? exitCode}`
    throw new NarrowcastError('INTERNAL', `lab: ${this.#name}: ${how}`, {
      operation: 'run an actor',
    })
  }
}
