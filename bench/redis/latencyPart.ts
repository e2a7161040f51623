import { setTimeout as wait } from 'node:timers/promises'
import {
  type Figure,
  figure,
  mostTarget,
  quantileOf,
  ratioTarget,
  type Target,
} from '../harness.ts'
import type { Ask } from './child.ts'
import { Hand } from './hand.ts'
import type { Part, PartResult } from './part.ts'
import type { Rig } from './rig.ts'
import type { Sending } from './sender.ts'
import type { Side, Task } from './way.ts'

/** A sender, a receiver in another process, and nothing to do in between. */
interface Line {
  readonly name: string
  readonly side: Side
  readonly kind: string
  /** @default true */
  readonly isTuned?: boolean
}

const ownLines: readonly Line[] = [
  { name: 'raw, LPUSH to BLMOVE', side: 'raw', kind: 'single' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
  { name: 'raw, XADD to XREADGROUP', side: 'raw', kind: 'stream' },
  { name: 'narrowcast, stream', side: 'narrowcast', kind: 'stream' },
  { name: 'raw, PUBLISH', side: 'raw', kind: 'pubsub' },
  { name: 'narrowcast, broadcast', side: 'narrowcast', kind: 'broadcast' },
  { name: 'narrowcast, direct', side: 'narrowcast', kind: 'direct' },
  { name: 'narrowcast, relay', side: 'narrowcast', kind: 'relay' },
]

const peerLines: readonly Line[] = [
  { name: 'BullMQ', side: 'bullmq', kind: 'queue' },
  { name: 'bee-queue', side: 'bee-queue', kind: 'queue' },
  // Tuned for much at once, it gathers messages for 10 ms.
  { name: 'groupmq', side: 'groupmq', kind: 'queue', isTuned: false },
]

const lookMs = 20
/** When nothing has come for so long, the rest is lost. */
const silentMsMax = 5_000

interface Times {
  /** From the call to the handler in the other process. */
  readonly delivered: number[][]
  /** From the call to its answer. */
  readonly answered: number[][]
  lost: number
  duplicated: number
}

/** All lines at once, each with processes of its own: they take turns, message by message. */
class Lines implements Disposable {
  readonly #sender: Hand<Sending>
  readonly #receivers: readonly Hand<'take'>[]
  readonly #relays: readonly Hand<Ask>[]

  private constructor(
    sender: Hand<Sending>,
    receivers: readonly Hand<'take'>[],
    relays: readonly Hand<Ask>[],
  ) {
    this.#sender = sender
    this.#receivers = receivers
    this.#relays = relays
  }

  static async open(rig: Rig, lines: readonly Line[]): Promise<Lines> {
    const channel = await rig.channel()
    const tasks = lines.map(
      ({ side, kind, isTuned = true }, n): Task => ({
        ...{ side, kind, isTuned, url: rig.url, channel: `${channel}-${n}` },
        ...{
          messages: 0,
          bodyBytes: 0,
          batch: 1,
          inFlight: 1,
          window: 0,
          isBatch: false,
          concurrency: 1,
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
    const sender = new Hand<Sending>('sender.ts', [JSON.stringify(tasks)])
    await sender.next()
    return new Lines(sender, receivers, relays)
  }

  /** One more run of each line. */
  async measure(sending: Sending, into: readonly Times[]): Promise<void> {
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

type Named = ReadonlyMap<string, Figure>

function figuresOf(prefix: string, lines: readonly Line[], all: readonly Times[], p99: boolean) {
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

function targetsOf(idle: Named, slow: Named): Target[] {
  const [queue, stream, pubsub] = [
    'raw, LPUSH to BLMOVE',
    'raw, XADD to XREADGROUP',
    'raw, PUBLISH',
  ]
  const of = (figures: Named, what: string) => figures.get(what) as Figure
  const p99 = (name: string, beside: string) =>
    ratioTarget(
      of(idle, `delivered, p99: ${name}`),
      'max',
      1.2,
      of(idle, `delivered, p99: ${beside}`),
    )
  const near = (what: string) =>
    mostTarget(of(slow, `${what}: narrowcast, queue`), 0.2, of(slow, `${what}: ${queue}`))
  const relay = of(idle, 'delivered, p50: narrowcast, relay')
  return [
    p99('narrowcast, queue', queue as string),
    p99('narrowcast, stream', stream as string),
    p99('narrowcast, broadcast', pubsub as string),
    p99('narrowcast, direct', pubsub as string),
    mostTarget(relay, 0.3, of(idle, 'delivered, p50: narrowcast, direct')),
    near('delivered, p50'),
    near('answered, p50'),
  ]
}

export const latencyPart: Part = async (rig): Promise<PartResult> => {
  const { divisor, rounds, withPeers } = rig.sizes
  const lines = [...ownLines, ...(withPeers ? peerLines : [])]
  using all = await Lines.open(rig, lines)
  const empty = () =>
    lines.map((): Times => ({ delivered: [], answered: [], lost: 0, duplicated: 0 }))
  const [warm, idle, slow] = [empty(), empty(), empty()]
  const idleGap = { min: 2, max: 5 }
  /** Eight messages a second on each line. */
  const slowGap = { min: 125 / lines.length - 1, max: 125 / lines.length }
  await all.measure({ messages: Math.ceil(50 / divisor), gapMs: idleGap }, warm)
  for (let round = 0; round < rounds; round++) {
    await all.measure({ messages: Math.ceil(200 / divisor), gapMs: idleGap }, idle)
    await all.measure({ messages: Math.ceil(24 / divisor), gapMs: slowGap }, slow)
    rig.report(`latency: round ${round + 1} of ${rounds}`)
  }
  const idleFigures = figuresOf('idle', lines, idle, true)
  const slowFigures = figuresOf('8 messages/s', lines, slow, false)
  return {
    figures: [...idleFigures.values(), ...slowFigures.values()],
    targets: targetsOf(idleFigures, slowFigures),
  }
}
