import { tmpdir } from 'node:os'
import { redactUrl } from '../../core/url.ts'
import { fingerprint } from '../../lab/instrument/fingerprint.ts'
import { loadBetween, loadSample } from '../../lab/instrument/loadSample.ts'
import { tool } from '../../lab/instrument/tool.ts'
import type { Load } from '../../lab/load.ts'
import { groupsOf } from '../../lab/openChannel.ts'
import { reportOf } from '../../lab/report/build.ts'
import type { Report } from '../../lab/report/types.ts'
import { runExperiment } from '../../lab/run/experiment.ts'
import type { NetworkKind } from '../../lab/run/proxiedNetwork.ts'
import { keepRun } from '../../lab/runFolder/keepRun.ts'
import { RunFolder } from '../../lab/runFolder/runFolder.ts'
import { commandFile, specFile } from '../../lab/runFolder/specOfRun.ts'
import { loadOf } from '../../lab/scenarios/planned.ts'
import type { Scenario, Settings } from '../../lab/scenarios/scenario.ts'
import { shownPath } from '../demo/place.ts'
import type { Invocation } from '../invocation.ts'
import type { Ceiling } from './ceiling.ts'
import { narrate } from './narrator.ts'
import { runsIn } from './runsIn.ts'
import type { Subject } from './subject.ts'

/** One experiment. */
export interface RunWish {
  readonly scenario: Scenario
  readonly subject: Subject
  readonly seed: number
  readonly load: Partial<Load>
  readonly settings: Partial<Settings>
  /** How the network of an actor is broken. @default 'proxy' */
  readonly net?: NetworkKind | undefined
  readonly expected: Report['expected']
  /** The line that repeats it. */
  readonly command: string
  /** Others follow: how it goes on is told in short. @default false */
  readonly isOneOfMany?: boolean
  /** On the raw client of the backend instead. @default false */
  readonly isTwin?: boolean
}

export interface RunDone {
  readonly report: Report
  readonly folder: string
}

/** Runs it, tells of it on stderr, and keeps everything in a folder of its own. */
export async function runOne(
  invocation: Invocation,
  wish: RunWish,
  ceiling: Ceiling,
  signal: AbortSignal,
): Promise<RunDone> {
  const { scenario, subject, seed, load } = wish
  const startedMs = Date.now()
  const { messages, workers } = loadOf(scenario, subject.pattern, load)
  const { backend, pattern, profile } = subject
  const readers = pattern === 'broadcast' ? workers : groupsOf(subject).length
  const name = { startedMs, scenario: scenario.name, backend, profile, pattern, seed }
  const folder = await RunFolder.begin(runsIn(invocation.folder), name, messages * readers)
  await writeWish(folder, wish)
  const title = `${scenario.name}  ${backend} ${pattern}  seed ${seed}`
  const narrator = narrate(invocation, folder, {
    title,
    messages,
    readers,
    isBrief: wish.isOneOfMany ?? false,
  })
  try {
    const ceilingPerSecond = await ceiling.perSecond(folder.ledgers)
    const before = loadSample()
    const result = await runExperiment({
      ...{ scenario, subject, seed, load, settings: wish.settings },
      ...{ folder: folder.path, watcher: narrator, signal, net: wish.net },
    })
    const machine = await fingerprint(backend === 'file' ? folder.path : tmpdir())
    const { version, how, config, configSha256 } = result.broker
    const report = reportOf(result, {
      ...{ runId: folder.id, startedAt: iso(startedMs), endedAt: iso(Date.now()) },
      ...{ tool: await tool(), command: wish.command },
      machine: { ...machine, load: loadBetween(before, loadSample()) },
      ...{ broker: { version, how, config, configSha256 }, expected: wish.expected, notRun: [] },
      ...{ scenario: scenario.name, title: scenario.title, backend, profile: subject.profile },
      ...{ ledgerMode: 'exact', ceilingPerSecond },
      cpuMicrosPerMessage: result.cpuMicrosPerMessage,
    })
    await keepRun(folder, result, report)
    return { report, folder: folder.path }
  } catch (error) {
    await narrator.close()
    if (await folder.hasEvidence()) {
      invocation.output.note(`What it left: ${shownPath(folder.path)}/`)
    } else await folder.remove()
    throw error
  } finally {
    await narrator.close()
    await folder.finish()
  }
}

/** Where there is no room for that, there is no run. @throws DISK_FULL */
async function writeWish(folder: RunFolder, wish: RunWish): Promise<void> {
  try {
    await folder.write(commandFile, `${wish.command}\n`)
    await folder.write(specFile, `${JSON.stringify(specOf(wish), null, 2)}\n`)
  } catch (error) {
    await folder.remove()
    throw error
  }
}

function specOf({ scenario, subject, seed, load, settings, net, expected }: RunWish) {
  const { url, ...rest } = subject
  const shown = { ...rest, url: url === null ? null : redactUrl(url) }
  return { v: 1, type: 'lab.spec', scenario, subject: shown, seed, load, settings, net, expected }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
