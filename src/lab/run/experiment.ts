import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import { contractRow } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import { memory } from '../../drivers/memory/index.ts'
import { backends, type OwnBroker } from '../backends.ts'
import type { BiteCondition } from '../checker/bites.ts'
import { judge, judgeBroadcast } from '../checker/judge.ts'
import { type BrokerFacts, brokerFacts } from '../instrument/brokerFacts.ts'
import { type CpuMicros, perMessage } from '../instrument/cpuWatch.ts'
import type { Load } from '../load.ts'
import type { RunPlan } from '../plan.ts'
import { isProxied, upstreamOf } from '../proxy/throughPort.ts'
import type { Breakable } from '../scenarios/drawn.ts'
import { channelOf, faultsOf, loadOf } from '../scenarios/planned.ts'
import type { Scenario, Settings } from '../scenarios/scenario.ts'
import { judgedFaults, unhitKinds } from './faultHits.ts'
import { channelsToMake, isRemovable, removeChannels } from './givenBroker.ts'
import { InProcessStage } from './inProcessStage.ts'
import { type Played, play } from './play.ts'
import { ProcessStage } from './processStage.ts'
import { type NetworkKind, ProxiedNetwork } from './proxiedNetwork.ts'
import type { RunResult, Watcher } from './result.ts'
import type { Stage } from './stage.ts'
import { attemptedIn, verdictOn } from './verdictOn.ts'

/** A backend in one of its patterns and profiles; `url`: of one that runs already. */
export interface ExperimentSubject {
  readonly backend: string
  readonly pattern: Pattern
  readonly profile: string
  readonly url: string | null
}

export interface ExperimentOptions {
  readonly scenario: Scenario
  readonly subject: ExperimentSubject
  readonly seed: number
  /** What is to be other than the scenario says. */
  readonly load: Partial<Load>
  readonly settings: Partial<Settings>
  /** How the network of an actor is broken. @default 'proxy' */
  readonly net?: NetworkKind | undefined
  /** Of the run: ledgers, and what a broker stores, lie below it. */
  readonly folder: string
  readonly watcher: Watcher
  /** Fires when the run is to come to its end early: heal, drain and judge. */
  readonly signal: AbortSignal
}

export interface ExperimentResult extends RunResult {
  readonly broker: BrokerFacts & { readonly how: string }
  /** Since each was ready; empty where all share one process, or this system does not tell. */
  readonly cpuMicrosPerMessage: CpuMicros
}

/** Added to all times by which an actor may be late, beside what its event loop was held up. */
const leastGuardMs = 250

/**
 * Runs one scenario on one backend, and judges it by what that backend promises.
 * @throws UNSUPPORTED where the backend does not offer it; UNAVAILABLE where this machine cannot
 * do it; INTERNAL where the lab itself went wrong.
 */
export async function runExperiment(options: ExperimentOptions): Promise<ExperimentResult> {
  const { subject, folder, watcher, signal } = options
  const plan = planOf(options)
  refuseWhatNobodyOffers(plan, options)
  await using broker = await brokerOf(subject, folder)
  const facts = { ...(await brokerFacts(broker.url, broker.config)), how: broker.how }
  const { url } = subject
  const made = url === null ? [] : await channelsToMake(url, plan.channel)
  const stage = await stageOf(plan, broker, options)
  let played: Played
  let used: CpuMicros
  try {
    await refuseWithoutContract(stage, plan, subject)
    played = await play(plan, stage, watcher, signal)
    used = stage.cpu?.used() ?? {}
  } catch (error) {
    throw signal.aborted ? brokenOff(error) : error
  } finally {
    await stage[Symbol.asyncDispose]()
    if (url !== null) await removeChannels(url, made)
  }
  watcher.phase('judging')
  const result = judged(plan, played, bitesFor(options))
  const cpuMicrosPerMessage = perMessage(used, attemptedIn(result.judgement))
  return { ...result, broker: facts, cpuMicrosPerMessage }
}

export function planOf({
  scenario,
  subject,
  seed,
  load,
  settings,
}: Omit<ExperimentOptions, 'watcher'>): RunPlan {
  const number = randomBytes(8)
  const { backend, pattern, profile } = subject
  const whole = loadOf(scenario, pattern, load)
  const hasRelay = backends.some((one) => one.name === backend && !one.isDirect)
  const isRelayed = pattern === 'narrowcast' && hasRelay && profile !== 'direct'
  const via = isRelayed ? 'relay' : 'direct'
  const name = `lab.${number.toString('hex')}`
  const channel = channelOf(scenario, settings, { name, pattern, via })
  const scene = { load: whole, channel, seed, breakable: breakableOf(subject) }
  return {
    run: { name: `r${number.toString('hex').slice(0, 8)}`, number: number.readBigUInt64LE() },
    ...{ channel, load: whole, seed, faults: faultsOf(scenario, scene) },
    isNaive: profile === 'naive',
  }
}

function breakableOf({ backend, url }: ExperimentSubject): Breakable {
  const hasNetwork = backend !== 'memory' && backend !== 'file' && (url === null || isProxied(url))
  return { hasNetwork, hasBroker: url === null }
}

/** @throws UNSUPPORTED, UNAVAILABLE */
function refuseWhatNobodyOffers(
  plan: RunPlan,
  { scenario, subject, net }: ExperimentOptions,
): void {
  const { channel, load, faults } = plan
  const { backend, url, profile } = subject
  const what = `${scenario.name} on ${backend} ${channel.pattern}`
  if (load.startsLate && isLive(channel.pattern)) {
    throw notOffered(what, `a ${channel.pattern} keeps nothing for workers that come later`)
  }
  if (channel.dedupeWindowMs !== null && isLive(channel.pattern)) {
    throw notOffered(what, `a ${channel.pattern} keeps no ids that it could know again`)
  }
  if (profile === 'naive' && channel.pattern !== 'queue') {
    throw notOffered(what, 'naive is how queues are read')
  }
  const isOnRelay = faults.some((fault) => fault.kind === 'kill' && fault.target === 'relay')
  if (isOnRelay && channel.via !== 'relay') {
    throw notOffered(what, 'no relay stands between its publishers and its workers')
  }
  const needsProcesses = faults.length > 0 || load.killers > 0
  if (backend === 'memory' && needsProcesses) {
    throw notRun(what, 'its actors live inside the lab, and cannot be ended without it')
  }
  const isOnNetwork = faults.some(({ kind }) => kind === 'network')
  if ((isOnNetwork || net === 'namespace') && (backend === 'memory' || backend === 'file')) {
    throw notOffered(what, 'no network lies between its processes and what they store')
  }
  if ((isOnNetwork || net === 'namespace') && url !== null) upstreamOf(url)
  const isFrozen = faults.some(({ kind }) => kind === 'broker-freeze')
  if (isFrozen && backend === 'file') {
    throw notOffered(what, 'its broker is its processes, and each of them can be stopped by itself')
  }
  const isOnBroker = faults.some(({ kind }) => kind.startsWith('broker-'))
  if (isOnBroker && url !== null) throw notRun(what, 'a broker that is given is not ours to end')
}

/** An actor that is not there yet may have been ended by the same Ctrl-C. */
function brokenOff(cause: unknown): NarrowcastError {
  return new NarrowcastError('ABORTED', 'lab: stopped before there was anything to judge', {
    operation: 'run an experiment',
    cause,
  })
}

function notOffered(what: string, why: string): NarrowcastError {
  return new NarrowcastError('UNSUPPORTED', `lab: ${what} is not offered: ${why}`, {
    operation: 'run an experiment',
    hint: 'narrowcast lab ls shows which scenarios fit which pattern.',
  })
}

function notRun(what: string, why: string): NarrowcastError {
  return new NarrowcastError('UNAVAILABLE', `lab: ${what} cannot be run: ${why}`, {
    operation: 'run an experiment',
    hint: 'narrowcast lab ls --faults shows what can be done here.',
  })
}

export async function brokerOf(subject: ExperimentSubject, folder: string): Promise<OwnBroker> {
  const { backend: name, profile, url } = subject
  if (url !== null) {
    return { url, how: 'given', staged: null, [Symbol.asyncDispose]: async () => {} }
  }
  const backend = backends.find((one) => one.name === name)
  if (!backend) throw new Error(`lab: there is no backend "${name}"`)
  const data = join(folder, 'broker')
  await mkdir(data, { recursive: true, mode: 0o700 })
  return await backend.start(profile, data)
}

export async function stageOf(
  plan: RunPlan,
  { url, staged }: OwnBroker,
  { subject, folder, net }: Pick<ExperimentOptions, 'subject' | 'folder' | 'net'>,
): Promise<Stage> {
  if (subject.backend === 'memory') return new InProcessStage(plan, memory(), systemClock)
  const ledgers = join(folder, 'ledgers')
  await mkdir(ledgers, { recursive: true, mode: 0o700 })
  const network = isProxied(url) ? await ProxiedNetwork.start(url, net) : null
  return new ProcessStage(plan, url, ledgers, staged, network)
}

/** @throws UNSUPPORTED */
async function refuseWithoutContract(
  stage: Stage,
  { channel }: RunPlan,
  { backend, url }: ExperimentSubject,
): Promise<void> {
  await using bus = await stage.connect()
  if (url !== null && !isRemovable(bus, channel)) {
    const what = `${channel.pattern} on a ${backend} that is given`
    throw notOffered(what, 'what it makes there could not be removed again')
  }
  if (bus.contracts[contractRow(channel)]) return
  const how = channel.via === 'relay' ? `${channel.pattern} by relay` : channel.pattern
  throw notOffered(`${how} on ${backend}`, 'the backend has no contract for it')
}

function bitesFor({ scenario, subject }: ExperimentOptions): BiteCondition[] {
  const live = isLive(subject.pattern) ? 'live' : 'kept'
  return scenario.bites.filter((bite) => bite.of === undefined || bite.of === live)
}

function judged(plan: RunPlan, played: Played, bites: readonly BiteCondition[]): RunResult {
  const { evidence, run } = played
  const isBroadcast = plan.channel.pattern === 'broadcast'
  const judgement = isBroadcast
    ? judgeBroadcast(evidence, run, leastGuardMs, bites)
    : judge(evidence, run, leastGuardMs, bites)
  const { contract, zeroNs } = played
  const faults = judgedFaults(played.faults, evidence.ledgers, zeroNs)
  const verdict = verdictOn(judgement, {
    ...{ planned: plan.load.messages, isBarrierReached: played.isBarrierReached },
    ...{ isDrained: played.isDrained, unhit: unhitKinds(plan.faults, faults) },
  })
  const { guardMs } = judgement
  return { plan, contract, run, zeroNs, evidence, faults, guardMs, judgement, verdict }
}
