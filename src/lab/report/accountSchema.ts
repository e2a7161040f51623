import { z } from 'zod'
import type { GroupAccount, RepeatAccount } from '../checker/accounting.ts'
import type { BroadcastAccount } from '../checker/broadcastAccounting.ts'
import { causes } from '../terms.ts'

export const count = z.int().min(0)
const byCause = z.partialRecord(z.enum(causes), count)
const sample = z.array(z.object({ producer: count, incarnation: count, sequence: count }))
const repeats: z.ZodType<RepeatAccount> = z.object({
  total: count,
  byCause,
  unexplained: count,
  unexplainedSample: sample,
})

/**
 * What other parts keep as data: the fields that a report is made from are checked, the others are
 * taken as they are.
 */
export function facts<T>(fields: z.ZodRawShape): z.ZodType<T> {
  return z.looseObject(fields) as unknown as z.ZodType<T>
}

export const groupAccountSchema = facts<GroupAccount>({
  group: z.string().nullable(),
  attempted: count,
  acknowledged: count,
  failed: count,
  indeterminate: count,
  processed: count,
  dead: count,
  residual: count,
  stuck: count,
  unexpected: count,
  late: count,
  overlap: count,
  lost: facts<GroupAccount['lost']>({
    total: count,
    broker: count,
    worker: count,
    reported: count,
    silent: count,
    byCause,
    unexplained: count,
    sample,
    unexplainedSample: sample,
  }),
  redelivered: repeats,
  reprocessed: repeats,
})

export const broadcastAccountSchema = facts<BroadcastAccount>({
  attempted: count,
  acknowledged: count,
  failed: count,
  indeterminate: count,
  phantom: count,
  unheard: z.object({ total: count, reported: count, silent: count, silentByCause: byCause }),
  subscribers: z.array(
    z.looseObject({
      subscriber: count,
      owed: count,
      edge: count,
      delivered: count,
      missed: z.object({
        ...{ total: count, byCause, unexplained: count },
        ...{ sample, unexplainedSample: sample },
      }),
      extra: repeats,
      unexpected: count,
    }),
  ),
})
