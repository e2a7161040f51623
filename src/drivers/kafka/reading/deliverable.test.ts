import { expect, test } from 'vitest'
import { filled } from '../../../../test/kafkaLog.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { deliverable } from './deliverable.ts'

test('what is held back behind another counts as nothing that could be handed out', async () => {
  const log = filled([5, 6, 7], 5, '{"c":2}')
  log.take()
  const asked = deliverable({} as Cluster, { name: 'other' } as Topic, [log])
  expect((await asked).messages).toBe(0)
})
