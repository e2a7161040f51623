import { helperKey } from '../keys.ts'

/** The keys of one queue that is kept as a list. All lie on one node. */
export class Layout {
  readonly channel: string
  /** What waits, as producers write it: in on the left, out on the right. */
  readonly orders: string
  /** Given back or due by now: read before `orders`. A list, out on the right. */
  readonly back: string
  /** They took an owner down: read first. A sorted set by crash count. */
  readonly suspects: string
  /** Sorted set by due time. */
  readonly delayed: string
  /** Hash: order, paused, totals. */
  readonly flags: string
  /** Sorted set: reader → deadline. */
  readonly readers: string
  /** What the reader held that is expelled right now. */
  readonly gone: string
  /** Hash: key → turn of its head, wherever that is. */
  readonly keys: string
  /** Sorted set of equal scores: key, turn, message of all that waits behind a head. */
  readonly behind: string
  /** Sorted set of the same by turn, the oldest first. */
  readonly turns: string
  /** A stream. */
  readonly dead: string
  /** Pub/Sub: something can be taken. */
  readonly wake: string

  constructor(channel: string) {
    const of = (name: string) => helperKey(channel, name)
    this.channel = channel
    this.orders = channel
    this.back = of('back')
    this.suspects = of('suspects')
    this.delayed = of('delayed')
    this.flags = of('flags')
    this.readers = of('readers')
    this.gone = of('gone')
    this.keys = of('keys')
    this.behind = of('behind')
    this.turns = of('turns')
    this.dead = of('dead')
    this.wake = of('wake')
  }

  /** Hash: serial → message in hand. */
  held(reader: string): string {
    return helperKey(this.channel, `held:${reader}`)
  }

  /** Hash: worker, charge, begun, opened, serial, lost. */
  reader(reader: string): string {
    return helperKey(this.channel, `reader:${reader}`)
  }

  /** Hash: serial → why it was taken away. */
  lost(reader: string): string {
    return helperKey(this.channel, `lost:${reader}`)
  }

  /** Publish-dedupe. */
  dedupe(id: string): string {
    return helperKey(this.channel, `dedupe:${id}`)
  }

  /** Consume-dedupe. */
  seen(id: string): string {
    return helperKey(this.channel, `seen:${id}`)
  }
}
