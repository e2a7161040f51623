import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NarrowcastError } from '../../core/errors.ts'
import type { ActorJob, FromActor, ToActor } from '../actor/job.ts'

/** One actor in a process of its own. */
export class ActorProcess {
  readonly #child: ChildProcess
  readonly #name: string
  /** Resolves when it has ended, however it did; true: with code 0. */
  readonly ended: Promise<boolean>
  readonly #isReady = Promise.withResolvers<void>()
  #failure = ''

  constructor(job: ActorJob) {
    const body = new URL(`../actor/main${extname(import.meta.url)}`, import.meta.url)
    const child = fork(fileURLToPath(body), [], {
      detached: true, // Ctrl-C is for the supervisor, who lets actors end in order
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#name = `${job.id.role} ${job.id.actor}, start ${job.id.incarnation}`
    const { promise: ended, resolve: end } = Promise.withResolvers<boolean>()
    this.ended = ended
    child.once('exit', (code) => end(code === 0))
    child.on('error', (error) => {
      this.#failure ||= error.message
      if (child.pid === undefined) end(false) // it never began
    })
    child.on('message', (word: FromActor) => {
      if (word.kind === 'ready') this.#isReady.resolve()
      else this.#failure = word.text
    })
    this.say({ kind: 'job', job })
  }

  /** Resolves when it is ready. @throws INTERNAL when it ends before. */
  async ready(): Promise<void> {
    await Promise.race([this.#isReady.promise, this.ended.then(() => this.#throw())])
  }

  say(word: ToActor): void {
    this.#child.send(word, () => {}) // to one that has ended: `ended` says so
  }

  /** Resolves when it has ended; at once where it has ended before. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.ended
  }

  /** Resolves when it has done all it was told. @throws INTERNAL when it ends otherwise. */
  async succeeded(): Promise<void> {
    if (!(await this.ended)) this.#throw()
  }

  #throw(): never {
    const { exitCode, signalCode } = this.#child
    const how = this.#failure || `it ended with ${signalCode ?? exitCode}`
    throw new NarrowcastError('INTERNAL', `lab: ${this.#name}: ${how}`, {
      operation: 'run an actor',
    })
  }
}
