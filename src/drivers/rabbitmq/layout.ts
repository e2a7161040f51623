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

export const deadName = (queue: string) => `${queue}:n:dead`
export const lockName = (queue: string) => `${queue}:n:lock`

export function delayNames(queue: string): string[] {
  return stepsMs.map((ms) => `${queue}:n:delay:${ms}`)
}

/** Where a message waits that is due after so long. */
export function delayName(queue: string, delayMs: number): string {
  const step = stepsMs.find((ms) => ms >= delayMs) ?? stepsMs.at(-1)
  return `${queue}:n:delay:${step}`
}

export function queueOptions(queue: string): QueueOptions {
  return quorum({ ...handingOn(deadName(queue)), 'x-delivery-limit': deliveryLimit })
}

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
