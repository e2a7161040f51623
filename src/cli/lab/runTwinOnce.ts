import { groupsOf } from '../../lab/openChannel.ts'
import { RunFolder } from '../../lab/runFolder/runFolder.ts'
import { loadOf } from '../../lab/scenarios/planned.ts'
import { runTwin } from '../../lab/twin/runTwin.ts'
import type { TwinFigures } from '../../lab/twin/twinFigures.ts'
import type { Invocation } from '../invocation.ts'
import type { RunWish } from './runOne.ts'
import { runsIn } from './runsIn.ts'

/** The same wish on the raw client. Its folder lies where those of runs do, and goes with it. */
export async function runTwinOnce(
  { folder: working }: Invocation,
  { scenario, subject, seed, load, settings }: RunWish,
  signal: AbortSignal,
): Promise<TwinFigures> {
  const { backend, pattern, profile } = subject
  const { messages, workers } = loadOf(scenario, pattern, load)
  const readers = pattern === 'broadcast' ? workers : groupsOf(subject).length
  const name = { startedMs: Date.now(), scenario: scenario.name, backend: `${backend}-raw` }
  const runs = runsIn(working)
  const folder = await RunFolder.begin(
    runs,
    { ...name, profile, pattern, seed },
    messages * readers,
  )
  try {
    return await runTwin({ scenario, subject, seed, load, settings, folder: folder.path, signal })
  } finally {
    await folder.remove()
  }
}
