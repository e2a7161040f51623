import type { Settlement, SettleOutcome } from '../../../core/message.ts'
import { type Queue, tagOf } from './queue.ts'
import { ackScript, answerScript, settleScript } from './settleScript.ts'

/** Settlements carried out by one command. */
const settleMax = 1_000
/** Keys that a script of the channel has before further ones. */
const keysBefore = 14

type Indexed = { readonly settlement: Settlement; readonly at: number }

/** Settles for one reader. */
export class Settling {
  readonly #queue: Queue
  readonly #reader: string

  constructor(queue: Queue, reader: string) {
    this.#queue = queue
    this.#reader = reader
  }

  /** `isByKey`: what was acknowledged may make room for the next of its key. */
  async settle(batch: readonly Settlement[], isByKey: boolean): Promise<SettleOutcome[]> {
    const outcomes = new Array<SettleOutcome>(batch.length).fill('late')
    const acks: Indexed[] = []
    const others: Indexed[] = []
    batch.forEach((settlement, at) => {
      const { token, kind } = settlement
      if (token.reader !== this.#reader || !Number.isSafeInteger(token.serial)) return
      const isPlain = kind === 'ack' && !settlement.remember && !isByKey
      const list = isPlain ? acks : others
      list.push({ settlement, at })
    })
    others.sort(byTurn)
    const steps: Promise<void>[] = []
    for (const some of chunks(acks)) steps.push(this.#ack(some, outcomes))
    for (const some of chunks(others)) steps.push(this.#settle(some, outcomes, ''))
    const failed = (await Promise.allSettled(steps)).find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
    return outcomes
  }

  /** Gives back all that the reader holds, uncharged, unless it was opened anew. */
  async giveBack(opened: string): Promise<void> {
    const { home, layout } = this.#queue
    const held = await home.send<string[]>(['HKEYS', layout.held(this.#reader)], 'close')
    const serials = held.map(Number).sort((a, b) => b - a)
    const all = serials.map((serial, at): Indexed => {
      const token = { reader: this.#reader, serial }
      return { settlement: { token, kind: 'release', delayMs: 0 }, at }
    })
    for (const some of chunks(all)) await this.#settle(some, [], opened)
  }

  async #ack(some: readonly Indexed[], outcomes: SettleOutcome[]): Promise<void> {
    const { home, layout } = this.#queue
    const serials = some.map(({ settlement }) => String(settlement.token.serial))
    const keys = [layout.held(this.#reader), layout.flags]
    const acked = await home.run<number>(ackScript, keys, serials, 'settle')
    if (acked === some.length) {
      for (const { at } of some) outcomes[at] = 'settled'
      return
    }
    const of = [layout.reader(this.#reader), layout.lost(this.#reader)]
    const answers = await home.run<number[]>(answerScript, of, serials, 'settle')
    some.forEach(({ at }, n) => {
      outcomes[at] = answers[n] === 1 ? 'settled' : 'late'
    })
  }

  async #settle(
    some: readonly Indexed[],
    outcomes: SettleOutcome[],
    opened: string,
  ): Promise<void> {
    const more: string[] = []
    const args: string[] = [tagOf(this.#reader), opened]
    for (const { settlement } of some) args.push(...this.#words(settlement, more))
    const reply = await this.#queue.run<number[]>(settleScript, 'settle', this.#reader, args, {
      more,
    })
    some.forEach(({ at }, n) => {
      outcomes[at] = reply[n] === 1 ? 'settled' : 'late'
    })
  }

  #words(settlement: Settlement, marks: string[]): string[] {
    const serial = String(settlement.token.serial)
    switch (settlement.kind) {
      case 'ack': {
        const { remember } = settlement
        if (!remember) return [serial, 'a', '0', '0', '0', '']
        const length = marks.push(this.#queue.layout.seen(remember.id))
        const keepMs = String(Math.max(1, Math.ceil(remember.keepMs)))
        return [serial, 'a', keepMs, '0', '0', String(keysBefore + length)]
      }
      case 'retry': {
        const { delayMs, failures, error } = settlement
        const words = [String(delayMs), String(failures), String(Math.round(error.atMs))]
        return [serial, 'r', ...words, JSON.stringify(error)]
      }
      case 'release':
        return [serial, 'l', String(settlement.delayMs), '0', '0', '']
      case 'dead':
        return [serial, 'd', '0', '0', '0', JSON.stringify(settlement.letter)]
    }
  }
}

/** The dead as they came. Of the rest the first is to be the next again: it goes back last. */
function byTurn({ settlement: a }: Indexed, { settlement: b }: Indexed): number {
  const isDead = a.kind === 'dead'
  if (isDead !== (b.kind === 'dead')) return isDead ? -1 : 1
  return isDead ? a.token.serial - b.token.serial : b.token.serial - a.token.serial
}

function chunks(all: readonly Indexed[]): Indexed[][] {
  const found: Indexed[][] = []
  for (let from = 0; from < all.length; from += settleMax) {
    found.push(all.slice(from, from + settleMax))
  }
  return found
}
