import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import { createBus } from '../../runtime/bus.ts'
import { codeNames, type Place } from '../actor/place.ts'
import { fromTheBeginning, produce } from '../actor/producer.ts'
import { work } from '../actor/worker.ts'
import type { Entry } from '../evidence/entry.ts'
import type { Role } from '../evidence/evidence.ts'
import { Ledger } from '../evidence/ledger.ts'
import type { Load } from '../load.ts'
import { nullDriver } from './nullDriver.ts'

/** As much as it can, for as long as it may. */
const load: Load = {
  ...{ messages: 1e9, perSecond: 1e9, producers: 1, workers: 1, concurrency: 256, handlerMs: 0 },
  ...{ keys: 16, bytes: 256, poisonShare: 0, killers: 0, againShare: 0 },
  ...{ slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
}
const run = { name: 'calibration', number: 1n }
const seed = 1
const warmUpMs = 300
const measureMs = 1_000

/**
 * The most messages a second that the lab itself can do here: its producer, its worker and their
 * exact ledgers in one process, on a broker that costs nothing. Takes about two seconds.
 * `folder`: where a run keeps its ledgers; nothing is left in it. @throws DISK_FULL, INTERNAL
 */
export async function calibrate(folder: string): Promise<number> {
  const own = await mkdtemp(join(folder, 'narrowcast-calibration-'))
  try {
    await rateOf(own, 0, warmUpMs) // until it is compiled
    return await rateOf(own, 1, measureMs)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** Sends for so long, and waits until all that was taken is done. */
async function rateOf(folder: string, incarnation: number, forMs: number): Promise<number> {
  using producer = ledgerOf(folder, 'producer', incarnation)
  using worker = ledgerOf(folder, 'worker', incarnation)
  await using bus = await createBus(nullDriver())
  const channel = bus.queue<Uint8Array>('calibration', {
    codec: 'bytes',
    publish: { retry: false },
  })
  const all = Promise.withResolvers<void>()
  const count = { ok: 0, done: 0, isSent: false }
  const look = () => count.isSent && count.done >= count.ok && all.resolve()
  const handling = placeOf(worker, ({ type }) => {
    if (type === 'done') count.done++
    look()
  })
  const sending = placeOf(producer, ({ type }) => {
    if (type === 'ok') count.ok++
  })
  const { concurrency, handlerMs } = load
  const own = { group: null, probed: () => {}, die: () => process.exit(1) }
  const subscription = work({ channel, run, concurrency, handlerMs, ...own }, handling)
  subscription.on('error', ({ error }) => all.reject(error))
  await subscription.ready()
  const fromMs = performance.now()
  const halted = AbortSignal.timeout(forMs)
  const whose = { producer: 0, incarnation, zeroNs: sending.nowNs(), resumed: fromTheBeginning }
  await Promise.race([
    produce({ channel, load, seed, run, ...whose, halted }, sending),
    all.promise,
  ])
  count.isSent = true
  look()
  await all.promise
  return (count.done / (performance.now() - fromMs)) * 1_000
}

function ledgerOf(folder: string, role: Role, incarnation: number): Ledger {
  const whose = { role, actor: 0, incarnation, pid: process.pid }
  return new Ledger(folder, { ...whose, group: null, codes: codeNames })
}

function placeOf(ledger: Ledger, wrote: (entry: Entry) => void): Place {
  return {
    clock: systemClock,
    nowNs: () => process.hrtime.bigint(),
    write(entry, timeNs) {
      ledger.write(entry, timeNs)
      wrote(entry)
    },
  }
}
