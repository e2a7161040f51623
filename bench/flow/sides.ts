import type { Side, Way } from './way.ts'

/** Each process loads the code of one side only. */
export const sides: Readonly<Record<Side, () => Promise<Way>>> = {
  'node-redis': async () => (await import('../redis/raw.ts')).raw,
  amqplib: async () => (await import('../rabbitmq/raw.ts')).raw,
  platformatic: async () => (await import('../kafka/raw.ts')).raw,
  narrowcast: async () => (await import('./narrowcast.ts')).narrowcast,
  bullmq: async () => (await import('../peers/bullmq.ts')).bullmq,
  'bee-queue': async () => (await import('../peers/beeQueue.ts')).beeQueue,
  groupmq: async () => (await import('../peers/groupmq.ts')).groupmq,
}
