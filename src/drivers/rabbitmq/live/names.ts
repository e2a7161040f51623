import { createHash } from 'node:crypto'
import type { WorkerRef } from '../../../core/channel.ts'

/** A name of AMQP has 255 bytes at most: 150 of the channel, and what is ours around both. */
const partLengthMax = 64

/** Of a worker or one start of it, in letters that separate nothing; a long one by its hash. */
export function partOf(text: string): string {
  const part = encodeURIComponent(text.toWellFormed())
  if (part.length <= partLengthMax) return part
  return `sha256-${createHash('sha256').update(text).digest('base64url')}`
}

/** By which a narrowcast hands to one start of one worker, and to nobody else. */
export function routingKeyOf({ id, incarnation }: WorkerRef): string {
  return `${partOf(id)}:${partOf(incarnation)}`
}
