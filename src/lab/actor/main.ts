import { once } from 'node:events'
import { connect } from '../../connect.ts'
import { systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import { textOf } from '../../runtime/thrown.ts'
import { Ledger } from '../evidence/ledger.ts'
import { naiveDriver } from '../naiveDriver.ts'
import { openChannel } from '../openChannel.ts'
import { channelOfTwin, handleAsTwin, twinPlaceOf } from '../twin/twinActor.ts'
import { loadTwin, type TwinName } from '../twin/twins.ts'
import { actorLabel } from './actorLabel.ts'
import type { ActorJob, FromActor, ToActor } from './job.ts'
import { codeNames, type Place } from './place.ts'
import { type ProducerJob, produce } from './producer.ts'
import { relay } from './relay.ts'
import { work } from './worker.ts'

// The body of an actor's process: it acts as it is told, and ends.

const againMs = 200

const orphaned = () => process.exit(1) // nobody would judge what it does
process.once('disconnect', orphaned)
const terminating = new AbortController()
process.once('SIGTERM', () => terminating.abort())
const terminated = once(terminating.signal, 'abort')

function tell(word: FromActor): void {
  process.send?.(word, undefined, undefined, () => {}) // that nobody is there `disconnect` tells
}

async function heard(): Promise<ToActor> {
  const [word] = await once(process, 'message')
  return word as ToActor
}

/** As a handler does that computes for long. */
function block(forMs: number): void {
  const untilMs = performance.now() + forMs
  while (performance.now() < untilMs);
}

async function actAs(job: ActorJob): Promise<void> {
  const { id, group, ledgers } = job
  using ledger = new Ledger(ledgers, { ...id, pid: process.pid, group, codes: codeNames })
  const place: Place = {
    clock: systemClock,
    nowNs: () => process.hrtime.bigint(),
    write: (entry, timeNs) => orDie(() => ledger.write(entry, timeNs)),
  }
  if (job.plan.twin !== undefined) return await actAsTwin(job.plan.twin, job, place)
  await using bus = await connected(job)
  if (id.role === 'producer') await send(job, openChannel(bus, job.plan.channel), place)
  else if (id.role === 'relay') await route(job, bus, place)
  else await handle(job, bus, place)
}

async function actAsTwin(name: TwinName, job: ActorJob, place: Place): Promise<void> {
  const twin = await loadTwin(name)
  if (job.id.role === 'producer') {
    const to = twinPlaceOf(job.plan, job.url, null, actorLabel(job.id))
    await using sender = await twin.sender(to)
    return await send(job, channelOfTwin(sender), place)
  }
  await handleAsTwin(twin, job, place, () => tell({ kind: 'ready' }), terminating.signal)
}

/** Who starts anew while something is broken comes in when that is healed. */
async function connected({ id, plan, url }: ActorJob): Promise<Bus> {
  const options = { name: actorLabel(id) }
  for (;;) {
    try {
      const to = plan.isNaive ? await naiveDriver(url) : url
      return await connect(to, options)
    } catch (error) {
      const isForNow = error instanceof NarrowcastError && error.retryable
      if (id.incarnation === 0 || !isForNow || terminating.signal.aborted) throw error
      await systemClock.sleep(againMs, terminating.signal)
    }
  }
}

/** A hole in the evidence is nobody's to swallow: not the handler's, and not the library's. */
function orDie(write: () => void): void {
  try {
    write()
  } catch (error) {
    process.stderr.write(`${textOf(error)}\n`)
    process.exit(1)
  }
}

async function send(
  { id, plan }: ActorJob,
  channel: ProducerJob['channel'],
  place: Place,
): Promise<void> {
  const { run, load, seed } = plan
  const whose = { producer: id.actor, incarnation: id.incarnation }
  const told = Promise.race([heard(), terminated])
  tell({ kind: 'ready' })
  const word = await told
  if (!('kind' in word)) return
  if (word.kind !== 'send') throw new Error(`a producer was told "${word.kind}"`)
  const { zeroNs, resumed } = word
  const halted = terminating.signal
  await produce({ channel, load, seed, run, ...whose, zeroNs, resumed, halted }, place)
}

async function route({ plan }: ActorJob, bus: Bus, place: Place): Promise<void> {
  const { name: channel, leaseMs } = plan.channel
  await using _ = await relay(bus, { channel, leaseMs, run: plan.run }, place)
  tell({ kind: 'ready' })
  await terminated
}

async function handle({ id, group, plan }: ActorJob, bus: Bus, place: Place): Promise<void> {
  const { concurrency, handlerMs, slowFactor } = plan.load
  const subscription = work(
    {
      ...{ channel: openChannel(bus, plan.channel), run: plan.run, group, concurrency },
      handlerMs: id.actor === 0 ? handlerMs * slowFactor : handlerMs,
      probed: () => tell({ kind: 'probed' }),
      die,
    },
    place,
  )
  await subscription.ready()
  process.on('message', (word: ToActor) => {
    if (word.kind === 'block') block(word.forMs)
  })
  tell({ kind: 'ready' })
  await terminated
  await subscription.drain()
}

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return await new Promise<never>(() => {})
}

try {
  const first = await heard()
  if (first.kind !== 'job') throw new Error(`an actor was told "${first.kind}" before its job`)
  await actAs(first.job)
} catch (error) {
  tell({ kind: 'failed', text: textOf(error) })
  process.exitCode = 1
}
process.off('disconnect', orphaned)
process.disconnect()
