import { randomName } from '../../core/ids.ts'
import type { QueueOptions } from './client.ts'

/**
 * What of a channel lies where, as docs/drivers/rabbitmq.md tells it. Each value is a promise: a
 * queue that is there with other arguments is never declared again, and another value here would
 * keep every deployed channel from opening.
 */

/** Broker's own limit, far above ours: what comes back that often is dead, and not gone. */
const deliveryLimit = 1_000
/** Looking takes them out and puts them back, which RabbitMQ 4 allows 20 times unless told otherwise. */
const deadDeliveryLimit = 1_000_000_000

/** Steps of a delay in ms. A message waits in the first that is no shorter, beside others like it. */
const stepsMs = [
  ...[100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000],
  ...[1_800_000, 3_600_000, 10_800_000, 28_800_000, 86_400_000],
] as const

/** Of a channel, and of all groups of a stream. */
export const deadName = (channel: string) => `${channel}:n:dead`
/** All that a stream was ever sent, for groups to come. */
export const archiveName = (stream: string) => `${stream}:n:archive`
/** What is said of a channel: which groups it has, and whether it is paused. */
export const notesName = (channel: string) => `${channel}:n:flags`
/** Which ids were worked off from this queue. */
export const seenName = (queue: string) => `${queue}:n:seen`
/** There while the queue of a new group is given what the archive has. */
export const fillingName = (queue: string) => `${queue}:n:filling`
export const lockName = (queue: string) => `${queue}:n:lock`
/** Where publishers of a narrowcast ask who is there. */
export const workersName = (narrowcast: string) => `${narrowcast}:n:workers`
/** Which each of them reads, and nobody writes to: how many do is all that AMQP tells of them. */
export const presentName = (narrowcast: string) => `${narrowcast}:n:present`
/** Where one publisher hears of them: another one each time. */
export const askedName = (narrowcast: string) => `${narrowcast}:n:asked:${randomName(16)}`
/** What a broadcast hands to one subscriber, or a narrowcast to one worker. */
export const subscriberName = (channel: string, id: string) => `${channel}:w:${id}`
/** Where the broker lays one message where it had to drop some. */
export const droppedName = (subscriber: string) => `${subscriber}:n:dropped`

export function delayNames(queue: string): string[] {
  return stepsMs.map((ms) => `${queue}:n:delay:${ms}`)
}

/** Where the readers of a queue, or of one group of a stream, find their messages. */
export interface Home {
  readonly channel: string
  readonly group: string | null
  readonly queue: string
}

export function homeOf(channel: string, group: string | null): Home {
  return { channel, group, queue: group === null ? channel : `${channel}:g:${group}` }
}

/** All that a queue may consist of; what is written to first goes first. */
export function namesOf(queue: string): string[] {
  return [queue, ...delayNames(queue), deadName(queue)]
}

/** Where a message waits that is due after so long. */
export function delayName(queue: string, delayMs: number): string {
  const step = stepsMs.find((ms) => ms >= delayMs) ?? stepsMs.at(-1)
  return `${queue}:n:delay:${step}`
}

export function queueOptions({ channel }: Pick<Home, 'channel'>): QueueOptions {
  return quorum({ ...handingOn(deadName(channel)), 'x-delivery-limit': deliveryLimit })
}

/**
 * Kept until the limits of a policy say otherwise, by whole segments: the smaller, the sooner.
 * @see https://www.rabbitmq.com/docs/streams#retention
 */
export const logOptions: QueueOptions = {
  durable: true,
  arguments: { 'x-queue-type': 'stream', 'x-stream-max-segment-size-bytes': 64 * 1024 * 1024 },
}

/** No id is remembered for longer than it keeps them. */
export const seenOptions: QueueOptions = {
  durable: true,
  arguments: { ...logOptions.arguments, 'x-max-age': '366D' },
}

export const exchangeOptions = { durable: true } as const
/** Where a reader fills a group, nobody else is to. */
export const fillingOptions: QueueOptions = quorum({})

export const presentOptions: QueueOptions = quorum({})

export function deadOptions(): QueueOptions {
  return quorum({ 'x-delivery-limit': deadDeliveryLimit })
}

/** Each message brings its own time to live. At its head alone it is looked at: hence the steps. */
export function delayOptions(queue: string): QueueOptions {
  return quorum(handingOn(queue))
}

/**
 * To be there for one connection only, and gone with it.
 * @see https://www.rabbitmq.com/docs/queues#exclusive-queues
 */
export const lockOptions: QueueOptions = { durable: false, exclusive: true }

/**
 * What one subscriber has not taken from the broker yet. Its process takes all that comes and keeps
 * its own bounds; these hold where it stands still or its network is slow, so that nobody else pays
 * for it: a broker that is short of memory stops all publishers.
 */
export function subscriberOptions(subscriber: string): QueueOptions {
  return {
    ...lockOptions,
    arguments: {
      'x-max-length': 100_000,
      'x-max-length-bytes': 64 * 1024 * 1024,
      'x-overflow': 'drop-head',
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': droppedName(subscriber),
    },
  }
}

/** One message says it: what comes after that is dropped too. */
export const droppedOptions: QueueOptions = {
  ...lockOptions,
  arguments: { 'x-max-length': 1, 'x-overflow': 'drop-head' },
}

function quorum(more: Readonly<Record<string, string | number>>): QueueOptions {
  return { durable: true, arguments: { 'x-queue-type': 'quorum', ...more } }
}

/**
 * Unless told so, a message that the broker hands on by itself is lost with a crash in between.
 * @see https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
 */
function handingOn(queue: string) {
  return {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
}
