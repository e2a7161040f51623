import { type ChildProcess, fork } from 'node:child_process'
import { on, once } from 'node:events'
import { join } from 'node:path'

const answerMsMax = 120_000

/** A process of the benchmark that is asked things of type `A`. What it sends is kept until it is wanted. */
export class Hand<A extends string | object> {
  readonly #child: ChildProcess
  readonly #messages: AsyncIterator<unknown[]>
  readonly #gone: Promise<never>

  /** `file`: of this folder. */
  constructor(file: string, args: readonly string[] = []) {
    this.#child = fork(join(import.meta.dirname, file), args)
    this.#messages = on(this.#child, 'message')
    this.#gone = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`bench/redis/${file} ${args.join(' ')}: ended with ${code ?? signal}`)
    })
    this.#gone.catch(() => undefined) // told by the next ask
  }

  async next<T>(): Promise<T> {
    const silent = Promise.withResolvers<never>()
    const limit = setTimeout(
      () => silent.reject(new Error(`a process was silent for ${answerMsMax} ms`)),
      answerMsMax,
    )
    try {
      const got = await Promise.race([this.#messages.next(), this.#gone, silent.promise])
      return got.value[0] as T
    } finally {
      clearTimeout(limit)
    }
  }

  ask<T>(ask: A): Promise<T> {
    this.#child.send(ask)
    return this.next<T>()
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
