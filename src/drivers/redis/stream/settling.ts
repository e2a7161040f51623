import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { Settlement, SettleOutcome } from '../../../core/message.ts'
import type { Context } from '../session.ts'
import type { HeldEntry } from './hand.ts'
import type { Holding } from './holding.ts'
import { isQueue } from './keys.ts'
import type { Line } from './line.ts'
import { type Open, settle, settleMax } from './settle.ts'

export interface SettlingOptions {
  readonly context: Context
  readonly channel: ChannelSpec
  readonly line: Line
  readonly spec: ReaderSpec
  readonly holding: Holding
  readonly lastSerial: () => number
  /** What is held may stand at the head of its key. */
  readonly isByKey: () => boolean
  /** Something was given back. */
  readonly expectBack: () => void
}

/** Answers settlements: of what it holds by the server, of the rest by what it remembers. */
export class Settling {
  readonly #of: SettlingOptions

  constructor(options: SettlingOptions) {
    this.#of = options
  }

  /** What is being settled already is awaited, and gets the same answer. */
  async settle(batch: readonly Settlement[]): Promise<SettleOutcome[]> {
    const asked: Open[] = []
    const before = new Set<Promise<void>>()
    const done = Promise.withResolvers<void>()
    const answers = batch.map((settlement) => {
      const answer = this.#answer(settlement)
      if (typeof answer === 'string') return answer
      if (answer.settling !== null) before.add(answer.settling)
      else {
        answer.settling = done.promise
        asked.push({ held: answer, settlement })
      }
      return answer
    })
    this.#settleAll(asked).then(done.resolve, done.reject)
    await Promise.all([done.promise, ...before])
    return answers.map((answer) =>
      typeof answer === 'string' ? answer : (answer.outcome ?? 'late'),
    )
  }

  /** The answer for one settlement, or what it is about. */
  #answer({ token }: Settlement): SettleOutcome | HeldEntry {
    const { spec, holding, lastSerial } = this.#of
    if (token.reader !== spec.reader) return 'late'
    const held = holding.hand.get(token)
    if (held) return held
    const isOurs = token.serial <= lastSerial()
    return isOurs && !holding.hand.wasLost(token.serial) ? 'settled' : 'late'
  }

  /** Apart: where the place of the dead takes nothing, the others are settled nevertheless. */
  async #settleAll(all: readonly Open[]): Promise<void> {
    const isDead = ({ settlement }: Open) => settlement.kind === 'dead'
    const dead = all.filter(isDead)
    const others = dead.length === 0 ? all : all.filter((one) => !isDead(one))
    const settling: Promise<void>[] = []
    for (const part of [others, dead]) {
      for (let from = 0; from < part.length; from += settleMax) {
        settling.push(this.#settle(part.slice(from, from + settleMax)))
      }
    }
    for (const one of await Promise.allSettled(settling)) {
      if (one.status === 'rejected') throw one.reason
    }
  }

  async #settle(batch: readonly Open[]): Promise<void> {
    const { context, channel, line, spec, holding, isByKey, expectBack } = this.#of
    const settler = {
      ...{ context, line, reader: spec.reader, opened: holding.opened },
      ...{ isQueue: isQueue(channel), isByKey: isByKey() },
    }
    try {
      const state = await settle(settler, batch)
      if (state === 'replaced') holding.setReplaced()
    } catch (error) {
      for (const { held } of batch) held.settling = null
      throw error
    }
    for (const { held } of batch) if (held.outcome === 'settled') holding.hand.drop(held)
    const late = batch.filter(({ held }) => held.outcome === 'late')
    holding.lose(
      late.map(({ held }) => held.token),
      'expired',
    )
    if (batch.some(({ settlement: { kind } }) => kind === 'retry' || kind === 'release')) {
      expectBack()
    }
  }
}
