import { adminCases } from './admin.ts'
import { adminDeadCases } from './adminDead.ts'
import { adminManageCases } from './adminManage.ts'
import type { Case, LiveCase } from './case.ts'
import { countCases } from './count.ts'
import { dedupeCases } from './dedupe.ts'
import { leaseCases } from './lease.ts'
import { liveCases } from './live.ts'
import { liveAdminCases } from './liveAdmin.ts'
import { liveLeaseCases } from './liveLease.ts'
import { livePublishCases } from './livePublish.ts'
import { liveRelayCases } from './liveRelay.ts'
import { liveStopCases } from './liveStop.ts'
import { orderCases } from './order.ts'
import { orderKeyCases } from './orderKey.ts'
import { orderKeyAdminCases } from './orderKeyAdmin.ts'
import { publishCases } from './publish.ts'
import { receiveCases } from './receive.ts'
import { settingsCases } from './settings.ts'
import { settleCases } from './settle.ts'
import { watchCases } from './watch.ts'

/** What a driver promises for queues and streams, as far as its contract says so. */
export const conformance: readonly Case[] = [
  ...publishCases,
  ...receiveCases,
  ...leaseCases,
  ...settleCases,
  ...watchCases,
  ...countCases,
  ...dedupeCases,
  ...orderCases,
  ...orderKeyCases,
  ...orderKeyAdminCases,
  ...settingsCases,
  ...adminCases,
  ...adminDeadCases,
  ...adminManageCases,
]

/** What it promises for broadcast and narrowcast, where its contract has these rows. */
export const liveConformance: readonly LiveCase[] = [
  ...liveCases,
  ...liveLeaseCases,
  ...livePublishCases,
  ...liveRelayCases,
  ...liveStopCases,
  ...liveAdminCases,
]
