import type { Part } from '../flow/part.ts'
import { type Starter, starts } from '../flow/starts.ts'
import { type Figure, mostTarget } from '../harness.ts'

const own: readonly Starter[] = [
  { name: 'raw, BLMOVE', side: 'node-redis', kind: 'single' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
]
const peers: readonly Starter[] = [{ name: 'BullMQ', side: 'bullmq', kind: 'queue' }]

export const startPart: Part = async (rig) => {
  const figures = await starts(rig, 'first message', rig.sizes.withPeers ? [...own, ...peers] : own)
  return { figures, targets: [mostTarget(figures[1] as Figure, 500)] }
}
