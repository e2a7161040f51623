import type { Part } from '../flow/part.ts'
import { type Starter, starts } from '../flow/starts.ts'
import { type Figure, mostTarget } from '../harness.ts'

const starters: readonly Starter[] = [
  { name: '@platformatic/kafka', side: 'platformatic', kind: 'queue' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
]

export const startPart: Part = async (rig) => {
  const publish = await starts(rig, 'first publish', starters)
  const message = await starts(rig, 'first message', starters)
  return {
    figures: [...publish, ...message],
    targets: [publish, message].map((figures) => mostTarget(figures[1] as Figure, 500)),
  }
}
