import { setTimeout as wait } from 'node:timers/promises'
import { type Figure, figure, quantileOf } from '../harness.ts'
import type { Ask } from './child.ts'
import { Hand } from './hand.ts'
import type { Rig } from './rig.ts'
import type { Pacing, Sending } from './sender.ts'
import type { Side, Task } from './way.ts'

/** A sender, a receiver in another process, and nothing to do in between. */
export interface Line {
  readonly name: string
  readonly side: Side
  readonly kind: string
  /** @default true */
  readonly isTuned?: boolean
}

const lookMs = 20
/** When nothing has come for so long, the rest is lost. */
const silentMsMax = 5_000

export interface Times {
  /** From the call to the handler in the other process. */
  readonly delivered: number[][]
  /** From the call to its answer. */
  readonly answered: number[][]
  lost: number
  duplicated: number
}

export function noTimes(lines: readonly Line[]): Times[] {
  return lines.map(() => ({ delivered: [], answered: [], lost: 0, duplicated: 0 }))
}

/** All lines at once, each with processes of its own: they take turns, message by message. */
export class Lines implements Disposable {
  readonly #sender: Hand<Sending | Pacing>
  readonly #receivers: readonly Hand<'take'>[]
  readonly #relays: readonly Hand<Ask>[]

  private constructor(
    sender: Hand<Sending | Pacing>,
    receivers: readonly Hand<'take'>[],
    relays: readonly Hand<Ask>[],
  ) {
    this.#sender = sender
    this.#receivers = receivers
    this.#relays = relays
  }

  /** `channels`: one for each line. */
  static async open(
    { url }: Rig,
    lines: readonly Line[],
    channels: readonly string[],
  ): Promise<Lines> {
    const tasks = lines.map(
      ({ side, kind, isTuned = true }, n): Task => ({
        ...{ side, kind, isTuned, url, channel: channels[n] as string },
        ...{
          messages: 0,
          bodyBytes: 0,
          batch: 1,
          inFlight: 1,
          window: 0,
          isBatch: false,
          concurrency: 1,
          group: 'bench',
          joinsFirst: false,
        },
      }),
    )
    const relays: Hand<Ask>[] = []
    for (const task of tasks.filter(({ kind }) => kind === 'relay')) {
      const relay = new Hand<Ask>('child.ts')
      relays.push(relay)
      await relay.ask({ open: 'between', task })
    }
    const receivers = tasks.map((task) => new Hand<'take'>('receiver.ts', [JSON.stringify(task)]))
    for (const receiver of receivers) await receiver.next()
    const sender = new Hand<Sending | Pacing>('sender.ts', [JSON.stringify(tasks)])
    await sender.next()
    return new Lines(sender, receivers, relays)
  }

  /** One more run of each line. */
  async measure(sending: Sending | Pacing, into: readonly Times[]): Promise<void> {
    const answered = await this.#sender.ask<number[][]>(sending)
    for (const [line, times] of into.entries()) {
      const delivered = await this.#allOf(line, sending.messages)
      times.answered.push(answered[line] as number[])
      times.delivered.push(delivered)
      times.lost += Math.max(0, sending.messages - delivered.length)
      times.duplicated += Math.max(0, delivered.length - sending.messages)
    }
  }

  /** Until all have come, or none comes any more. */
  async #allOf(line: number, messages: number): Promise<number[]> {
    const all: number[] = []
    for (let silentMs = 0; all.length < messages && silentMs < silentMsMax; silentMs += lookMs) {
      const some = await this.#taken(line)
      all.push(...some)
      if (some.length > 0) silentMs = 0
      if (all.length < messages) await wait(lookMs)
    }
    return all
  }

  async #taken(line: number): Promise<number[]> {
    const receiver = this.#receivers[line] as Hand<'take'>
    let said = await receiver.ask<number[] | 'first'>('take')
    while (said === 'first') said = await receiver.next()
    return said
  }

  [Symbol.dispose](): void {
    for (const hand of [this.#sender, ...this.#receivers, ...this.#relays]) hand[Symbol.dispose]()
  }
}

/** By their names without the prefix. */
export function latencyFigures(
  prefix: string,
  lines: readonly Line[],
  all: readonly Times[],
  p99: boolean,
): Map<string, Figure> {
  const figures = new Map<string, Figure>()
  const add = (what: string, times: Times, runs: readonly number[][], share: number) => {
    const { lost, duplicated } = times
    const values = runs.map((one) => quantileOf(one, share))
    figures.set(what, figure(`${prefix}, ${what}`, 'ms', values, { lost, duplicated }))
  }
  for (const [at, times] of all.entries()) {
    const { name } = lines[at] as Line
    add(`delivered, p50: ${name}`, times, times.delivered, 0.5)
    if (p99) add(`delivered, p99: ${name}`, times, times.delivered, 0.99)
    add(`answered, p50: ${name}`, times, times.answered, 0.5)
  }
  return figures
}
