import { NarrowcastError } from '../../core/errors.ts'
import { brokerOf, type ExperimentOptions, planOf, stageOf } from '../run/experiment.ts'
import { playTwin } from './playTwin.ts'
import { type TwinFigures, twinFiguresOf } from './twinFigures.ts'
import { twinFor } from './twins.ts'

/**
 * Runs one scenario on the broker's own client, with the load and the settings that narrowcast has.
 * @throws UNSUPPORTED as `twinFor`; UNAVAILABLE where it is interrupted, or there is no broker;
 * INTERNAL where the lab itself went wrong.
 */
export async function runTwin(options: Omit<ExperimentOptions, 'watcher'>): Promise<TwinFigures> {
  const { scenario, subject, folder, signal } = options
  const twin = twinFor(scenario, subject)
  const plan = { ...planOf(options), twin }
  await using broker = await brokerOf(subject, folder)
  await using stage = await stageOf(plan, broker, options)
  const played = await playTwin(plan, broker.url, stage, signal)
  if (signal.aborted) {
    throw new NarrowcastError('UNAVAILABLE', 'lab: interrupted', { operation: 'run a twin' })
  }
  return twinFiguresOf(played, subject.pattern === 'broadcast')
}
