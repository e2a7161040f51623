import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { Tally } from './happenings.ts'
import type { Process } from './process.ts'

/** How often what goes wrong, from 0 to 1; times in ms. */
export interface Weather {
  readonly latencyMsMax: number
  /** The connection breaks after the broker has done it: the answer is lost. */
  readonly replyLost: number
  /** The broker says that it cannot now. */
  readonly refused: number
  /** No answer came in time, and it may or may not have been done. */
  readonly unknown: number
}

export const calm: Weather = { latencyMsMax: 5, replyLost: 0, refused: 0, unknown: 0 }

const weatherTold = {
  replyLost: 'a reply is lost',
  refused: 'a call is refused',
  unknown: 'a call gets no answer',
} as const

/** What lies between the processes and the store. */
export class Network {
  weather: Weather
  isDown = false
  readonly #clock: Clock
  readonly #random: () => number
  readonly #tally: Tally
  readonly #never = new AbortController().signal

  constructor(clock: Clock, random: () => number, weather: Weather, tally = new Tally()) {
    this.#clock = clock
    this.#random = random
    this.#tally = tally
    this.weather = weather
  }

  happens(what: keyof typeof weatherTold): boolean {
    const share = this.weather[what]
    const isSo = share > 0 && this.#random() < share
    if (isSo) this.#tally.add(weatherTold[what])
    return isSo
  }

  /** Null: it is there at once. */
  travel(): Promise<void> | null {
    const draw = this.#random()
    if (draw < 0.7) return null
    const ms = Math.ceil(((draw - 0.7) / 0.3) * this.weather.latencyMsMax)
    return ms > 0 ? this.#clock.sleep(ms, this.#never) : null
  }
}

/** One connection of a process: it can break, and then everything on it is over. */
export class Connection {
  readonly process: Process
  readonly network: Network
  #isBroken = false
  readonly #calls = new Set<(error: NarrowcastError) => void>()
  readonly #ends = new Set<() => void>()

  constructor(process: Process, network: Network) {
    this.process = process
    this.network = network
    process.onKill(() => this.#end())
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Called as soon as the broker notices: the connection is broken, or its process dead. */
  onEnd(listener: () => void): () => void {
    this.#ends.add(listener)
    return () => this.#ends.delete(listener)
  }

  /** The process learns of it when it runs. */
  break(told: (error: NarrowcastError) => void): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#end()
    const error = this.#error()
    void this.process.gate().then(() => {
      for (const reject of this.#calls) reject(error)
      told(error)
    })
  }

  /**
   * A call over the connection: there, done, and back. `lose` is called when the answer to it is
   * to be lost. @throws CONNECTION_LOST when it breaks on the way; it may have been done.
   */
  async call<T>(run: () => Promise<T>, lose: () => void = () => {}): Promise<T> {
    if (this.process.isHeld) await this.process.gate()
    return new Promise((resolve, reject) => {
      const end = () => this.#calls.delete(reject)
      this.#calls.add(reject)
      void this.#roundTrip(run, lose).then(resolve, reject).then(end)
    })
  }

  /**
   * A call that waits at the broker. The caller's signal ends that wait; so do a broken connection
   * and a dead process, and then nothing more is taken there.
   */
  async waiting<T>(signal: AbortSignal, run: (atBroker: AbortSignal) => Promise<T>): Promise<T> {
    const atBroker = new AbortController()
    const end = () => {
      signal.removeEventListener('abort', end) // a dead process never comes to the end of this
      atBroker.abort(null)
    }
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    const forget = this.onEnd(end)
    try {
      return await this.call(() => run(atBroker.signal))
    } finally {
      forget()
      signal.removeEventListener('abort', end)
    }
  }

  /** A call to close something: it has come true when the connection is broken. */
  async last(run: () => Promise<void>): Promise<void> {
    try {
      await this.call(run)
    } catch (error) {
      if (!this.#isBroken) throw error
    }
  }

  async #roundTrip<T>(run: () => Promise<T>, lose: () => void): Promise<T> {
    this.#check()
    const there = this.network.travel()
    if (there !== null) await there
    this.#check()
    const answer = await run()
    if (this.network.happens('replyLost')) lose()
    const back = this.network.travel()
    if (back !== null) await back
    if (this.process.isHeld) await this.process.gate()
    this.#check()
    return answer
  }

  #check(): void {
    if (this.#isBroken) throw this.#error()
  }

  #end(): void {
    for (const listener of this.#ends) listener()
    this.#ends.clear()
  }

  #error(): NarrowcastError {
    return new NarrowcastError('CONNECTION_LOST', `${this.process.name}: the connection broke`)
  }
}
