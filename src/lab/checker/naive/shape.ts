import type { LossAccount } from '../accounting.ts'
import type { Message } from './scene.ts'

type Shape = Pick<LossAccount, 'prefix' | 'middle' | 'postfix' | 'bursts' | 'longestBurst'>

/** Where the lost ones stand among the acknowledged ones, both by identity. */
export function shapeOf(acknowledged: readonly Message[], lost: ReadonlySet<Message>): Shape {
  const shape = { prefix: 0, middle: 0, postfix: 0, bursts: 0, longestBurst: 0 }
  const starts = Map.groupBy(
    acknowledged,
    ({ identity }) => `${identity.producer}.${identity.incarnation}`,
  )
  for (const messages of starts.values()) {
    const firstKept = messages.findIndex((message) => !lost.has(message))
    const lastKept = messages.findLastIndex((message) => !lost.has(message))
    for (const [at, message] of messages.entries()) {
      if (!lost.has(message)) continue
      if (firstKept === -1 || at < firstKept) shape.prefix++
      else if (at > lastKept) shape.postfix++
      else shape.middle++
    }
    const sequences = new Set(
      messages.filter((message) => lost.has(message)).map(({ identity }) => identity.sequence),
    )
    for (const sequence of sequences) {
      if (sequences.has(sequence - 1)) continue
      let length = 1
      while (sequences.has(sequence + length)) length++
      shape.bursts++
      shape.longestBurst = Math.max(shape.longestBurst, length)
    }
  }
  return shape
}
