import type { Case, LiveRow } from './case.ts'
import { runtimeCrashCases } from './runtimeCrash.ts'
import { runtimeDedupeCases } from './runtimeDedupe.ts'
import { runtimeLiveCases } from './runtimeLive.ts'
import { runtimeOrderCases } from './runtimeOrder.ts'
import { runtimePublishCases } from './runtimePublish.ts'
import { runtimeRelayCases } from './runtimeRelay.ts'
import { runtimeWatchCases } from './runtimeWatch.ts'
import { runtimeWorkCases } from './runtimeWork.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

/** What users are promised over any driver: the runtime and the driver together. */
export const runtimeConformance: readonly Case<RuntimeWorld>[] = [
  ...runtimePublishCases,
  ...runtimeWorkCases,
  ...runtimeCrashCases,
  ...runtimeDedupeCases,
  ...runtimeOrderCases,
  ...runtimeWatchCases,
]

/** The same of broadcast and narrowcast, and of relays. */
export const runtimeLiveConformance: readonly Case<RuntimeWorld, LiveRow>[] = [
  ...runtimeLiveCases,
  ...runtimeRelayCases,
]
