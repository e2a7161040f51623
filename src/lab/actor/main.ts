import { once } from 'node:events'
import { connect } from '../../connect.ts'
import { systemClock } from '../../core/clock.ts'
import type { Bus } from '../../runtime/api.ts'
import { textOf } from '../../runtime/thrown.ts'
import { Ledger } from '../evidence/ledger.ts'
import { openChannel } from '../plan.ts'
import type { ActorJob, FromActor, ToActor } from './job.ts'
import { codeNames, type Place } from './place.ts'
import { produce } from './producer.ts'
import { work } from './worker.ts'

// The body of an actor's process: it acts as it is told, and ends.

const orphaned = () => process.exit(1) // nobody would judge what it does
process.once('disconnect', orphaned)
const terminated = once(process, 'SIGTERM')

function tell(word: FromActor): void {
  process.send?.(word, undefined, undefined, () => {}) // that nobody is there `disconnect` tells
}

async function heard(): Promise<ToActor> {
  const [word] = await once(process, 'message')
  return word as ToActor
}

async function actAs(job: ActorJob): Promise<void> {
  const { id, url, ledgers } = job
  using ledger = new Ledger(ledgers, { ...id, pid: process.pid, group: null, codes: codeNames })
  const place: Place = {
    clock: systemClock,
    nowNs: () => process.hrtime.bigint(),
    write: (entry, timeNs) => orDie(() => ledger.write(entry, timeNs)),
  }
  await using bus = await connect(url, { name: `${id.role}-${id.actor}-${id.incarnation}` })
  await (id.role === 'producer' ? send(job, bus, place) : handle(job, bus, place))
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

async function send({ id, plan }: ActorJob, bus: Bus, place: Place): Promise<void> {
  const { run, load, seed } = plan
  const channel = openChannel(bus, plan.channel)
  const whose = { producer: id.actor, incarnation: id.incarnation }
  const told = heard()
  tell({ kind: 'ready' })
  const word = await told
  if (word.kind !== 'send') throw new Error(`a producer was told "${word.kind}"`)
  await produce({ channel, load, seed, run, ...whose, zeroNs: word.zeroNs }, place)
}

async function handle({ plan }: ActorJob, bus: Bus, place: Place): Promise<void> {
  const { concurrency, handlerMs } = plan.load
  const channel = openChannel(bus, plan.channel)
  const subscription = work({ channel, run: plan.run, concurrency, handlerMs }, place)
  await subscription.ready()
  tell({ kind: 'ready' })
  await terminated
  await subscription.drain()
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
