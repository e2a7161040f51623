/** What every way carries: its number tells which message it is. `bodyBytes` long as JSON text. */
export interface Data {
  readonly n: number
  readonly text: string
}

/** Whose code moves the messages: the bare client, this library, or another one. */
export type Side =
  | 'node-redis'
  | 'amqplib'
  | 'platformatic'
  | 'narrowcast'
  | 'bullmq'
  | 'bee-queue'
  | 'groupmq'

/** How messages travel from one process to another. */
export interface Task {
  readonly side: Side
  /** Of amqplib: queue, ackEach, alike, stream. Of platformatic: queue, alike, stream. Of node-redis: list, cloudEvents, single, stream, pubsub. Of narrowcast: queue, stream, broadcast, direct, relay. */
  readonly kind: string
  readonly url: string
  readonly channel: string
  /** Of a stream: that the consumer belongs to. */
  readonly group: string
  readonly messages: number
  readonly bodyBytes: number
  /** Messages in one call of publish; 1: the call for a single message. */
  readonly batch: number
  /** Calls of publish that are open at once. */
  readonly inFlight: number
  /**
   * Messages that may be under way at once; 0: no bound. What keeps nothing drops what a slow
   * receiver has no room for, so a fast publisher waits.
   */
  readonly window: number
  /** Handlers at once. */
  readonly concurrency: number
  /** A handler is given many, on the sides that have such handlers. */
  readonly isBatch: boolean
  /**
   * A consumer joins others before it reads anything, which takes as long as to read much: its time
   * counts from then on.
   */
  readonly joinsFirst: boolean
  /** The settings that cost a peer least; false: as it comes. */
  readonly isTuned: boolean
}

export interface Producer extends AsyncDisposable {
  one(data: Data): Promise<unknown>
  many(batch: readonly Data[]): Promise<unknown>
}

/** What a consumer tells while it works. */
export interface Came {
  readonly message: (data: Data) => void
  /** So many more are done for good. */
  readonly settled: (messages: number) => void
}

export interface Consumer extends AsyncDisposable {
  /** Resolves when it is subscribed; work goes on until it is disposed. */
  start(came: Came): Promise<void>
}

/** Both are connected when they resolve. */
export interface Way {
  producer(task: Task): Promise<Producer>
  consumer(task: Task): Promise<Consumer>
  /** What stands between the two, where there is such a thing. */
  between?(task: Task): Promise<AsyncDisposable>
}

/** Numbers have seven digits, so all messages have one length. */
export const firstNumber = 1_000_000

export function textOf(bodyBytes: number): string {
  return 'x'.repeat(bodyBytes - JSON.stringify({ n: firstNumber, text: '' }).length)
}

/** A clock that all processes of a machine read alike. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
