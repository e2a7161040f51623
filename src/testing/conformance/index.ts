import { adminCases } from './admin.ts'
import { adminDeadCases } from './adminDead.ts'
import { adminManageCases } from './adminManage.ts'
import type { Case } from './case.ts'
import { countCases } from './count.ts'
import { dedupeCases } from './dedupe.ts'
import { leaseCases } from './lease.ts'
import { orderCases } from './order.ts'
import { orderKeyCases } from './orderKey.ts'
import { orderKeyAdminCases } from './orderKeyAdmin.ts'
import { publishCases } from './publish.ts'
import { receiveCases } from './receive.ts'
import { settingsCases } from './settings.ts'
import { settleCases } from './settle.ts'
import { watchCases } from './watch.ts'

/** What every driver promises, as far as its contract says so; each a case of its own. */
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
