import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const answerMsMax = 120_000

/** Sent without being asked for: so many more messages were settled. */
export interface Progress {
  readonly progress: number
}

function isProgress(message: unknown): message is Progress {
  return typeof message === 'object' && message !== null && 'progress' in message
}

/** A process of the benchmark that is asked things of type `A`. What it sends is kept until it is wanted. */
export class Hand<A extends string | object> {
  onProgress: ((progress: Progress) => void) | null = null
  readonly #child: ChildProcess
  readonly #gone: Promise<never>
  readonly #come: unknown[] = []
  #wake: () => void = () => {}

  /** `file`: of this folder. `env`: beside our own. */
  constructor(
    file: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = fork(join(import.meta.dirname, file), args, { env: { ...process.env, ...env } })
    this.#child.on('message', (message) => {
      if (isProgress(message)) return this.onProgress?.(message)
      this.#come.push(message)
      this.#wake()
    })
    this.#gone = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`bench/flow/${file} ${args.join(' ')}: ended with ${code ?? signal}`)
    })
    this.#gone.catch(() => undefined) // told by the next ask
  }

  async next<T>(): Promise<T> {
    const came = new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#come.length > 0) resolve()
    })
    const silent = Promise.withResolvers<never>()
    const text = `a process was silent for ${answerMsMax} ms`
    const limit = setTimeout(() => silent.reject(new Error(text)), answerMsMax)
    try {
      await Promise.race([came, this.#gone, silent.promise])
      return this.#come.shift() as T
    } finally {
      clearTimeout(limit)
    }
  }

  tell(what: A): void {
    this.#child.send(what)
  }

  ask<T>(what: A): Promise<T> {
    this.tell(what)
    return this.next<T>()
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
