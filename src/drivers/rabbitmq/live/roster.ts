import type { WorkerRef } from '../../../core/channel.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import { randomName } from '../../../core/ids.ts'
import { soon } from '../../_shared/soon.ts'
import { untilAborted } from '../../_shared/untilAborted.ts'
import type { AmqpChannel, AmqpMessage } from '../client.ts'
import { toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { endChannel } from '../endChannel.ts'
import { askedName, lockOptions, presentName, workersName } from '../layout.ts'
import { asRabbitmqError } from '../rabbitmqErrors.ts'
import { routingKeyOf } from './names.ts'
import { notSent } from './sending.ts'
import { askKey, toldKey, type Words, wordOf } from './words.ts'

export interface RosterOptions {
  readonly channel: string
  /** That reads. */
  readonly connection: Connection
  readonly words: Words
  /** It hears nothing any more. */
  readonly ended: () => void
}

interface Known {
  readonly worker: WorkerRef
  readonly heardMs: number
  /** It counts as there until then. */
  readonly untilMs: number
}

/** Who is asked may take so long to answer; who does not is waited for no more. */
const answerMsMax = 1_000

/**
 * Who works on a narrowcast, as they say themselves: AMQP tells only how many there are. Who comes
 * and goes tells it; the others answer when they are asked.
 */
export class Roster {
  readonly #of: RosterOptions
  readonly #queue: string
  readonly #known = new Map<string, Known>()
  readonly #marks = new Map<string, () => void>()
  readonly #ended = new AbortController()
  /** So many that are counted did not answer: they stand still, or their connection is half gone. */
  #silent = 0
  #heard: () => void = () => {}

  /** @throws NOT_FOUND where the exchange is gone, LOGIN_REFUSED, CONNECTION_LOST */
  static async open(options: RosterOptions): Promise<Roster> {
    const { connection, channel: name } = options
    const channel = await connection.channel()
    try {
      const roster = new Roster(options)
      await roster.#listen(channel)
      return roster
    } catch (error) {
      await endChannel(channel)
      if (connection.ended.aborted) throw connection.ended.reason
      throw asRabbitmqError(error, 'workers', name)
    }
  }

  private constructor(options: RosterOptions) {
    this.#of = options
    this.#queue = askedName(options.channel)
  }

  /** All who had come or left before this was asked. @throws UNAVAILABLE, CONNECTION_LOST */
  async workers(signal: AbortSignal): Promise<WorkerRef[]> {
    const askedMs = performance.now()
    const isAnybody = await this.#ask(signal)
    if (isAnybody) await this.#answers(askedMs + answerMsMax, signal)
    else this.#forget(({ heardMs }) => heardMs < askedMs)
    return this.#there
  }

  /** No queue of it is there any more. */
  isGone(worker: WorkerRef): void {
    this.#known.delete(routingKeyOf(worker))
  }

  get #there(): WorkerRef[] {
    const nowMs = performance.now()
    const there = [...this.#known.values()].filter(({ untilMs }) => untilMs >= nowMs)
    return there.map(({ worker }) => worker)
  }

  async #listen(channel: AmqpChannel): Promise<void> {
    channel.on('close', () => this.#end())
    await channel.assertQueue(this.#queue, lockOptions)
    await channel.consume(this.#queue, (raw) => (raw === null ? this.#end() : this.#hear(raw)), {
      noAck: true,
    })
    await channel.bindQueue(this.#queue, workersName(this.#of.channel), toldKey)
  }

  /** False: certainly nobody is there to be asked. Resolves behind all words that were said before. */
  async #ask(signal: AbortSignal): Promise<boolean> {
    const { words, channel } = this.#of
    const to = { exchange: workersName(channel), routingKey: askKey }
    const mark = randomName(16)
    const marked = new Promise<void>((resolve) => this.#marks.set(mark, resolve))
    try {
      const said = await words.ask(to, mark, toQueue(this.#queue), signal)
      if (said !== 'stored' && said !== 'returned') throw this.#notAsked(signal)
      const over = AbortSignal.any([signal, this.#ended.signal])
      await untilAborted(marked, over, () => this.#notAsked(signal))
      return said === 'stored'
    } finally {
      this.#marks.delete(mark)
    }
  }

  /** Until all who are counted have said so, but for those that did not before. */
  async #answers(untilMs: number, signal: AbortSignal): Promise<void> {
    const count = await this.#count()
    for (;;) {
      const silent = Math.max(0, count - this.#there.length)
      const leftMs = untilMs - performance.now()
      const isOver = leftMs <= 0 || this.#ended.signal.aborted
      if (silent <= this.#silent || isOver) {
        this.#silent = silent
        this.#forget(({ untilMs }) => untilMs < performance.now())
        return
      }
      if (signal.aborted) return
      await this.#word(leftMs, signal)
    }
  }

  /** One at least, for the question has reached somebody. */
  async #count(): Promise<number> {
    const { channel, connection } = this.#of
    const said = { count: 1 }
    const ask = async () => {
      const question = (amqp: AmqpChannel) => amqp.checkQueue(presentName(channel))
      said.count = (await connection.ask('workers', channel, question)).consumerCount
    }
    await soon(ask().catch(() => {}))
    return Math.max(1, said.count)
  }

  /** Resolves with the next word, after that time, or when the signal fires. */
  #word(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, ms)
      signal.addEventListener('abort', over)
      this.#heard = over
    })
  }

  #hear(raw: AmqpMessage): void {
    const word = wordOf(raw)
    switch (word?.word) {
      case 'mark':
        this.#marks.get(word.mark)?.()
        break
      case 'here': {
        const heardMs = performance.now()
        const known = { worker: word.worker, heardMs, untilMs: heardMs + word.leaseMs }
        this.#known.set(routingKeyOf(word.worker), known)
        break
      }
      case 'left':
        this.isGone(word.worker)
    }
    this.#heard()
  }

  #forget(isOver: (known: Known) => boolean): void {
    for (const [name, known] of this.#known) if (isOver(known)) this.#known.delete(name)
  }

  #end(): void {
    this.#ended.abort()
    this.#heard()
    this.#of.ended()
  }

  #notAsked(signal: AbortSignal): NarrowcastError {
    const { channel: name, words } = this.#of
    return notSent({ pattern: 'narrowcast', name }, 'workers', words.blocked, signal)
  }
}
