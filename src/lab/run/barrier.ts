import type { Bus } from '../../runtime/api.ts'
import { encodeData, headerBytes, keyName, messageId, probeProducer } from '../identity.ts'
import { openChannel } from '../openChannel.ts'
import type { RunPlan } from '../plan.ts'
import type { Pace } from './pace.ts'
import type { StagedWorker } from './stage.ts'

const msMax = 15_000
const everyMs = 200

/**
 * Sends probes until every worker has handled one, so that no measured message meets a worker that
 * hears nothing yet. @returns false where some have not after 15 s.
 */
export async function reachBarrier(
  bus: Bus,
  plan: RunPlan,
  workers: readonly StagedWorker[],
  pace: Pace,
): Promise<boolean> {
  const reached = new AbortController()
  void Promise.all(workers.map(({ probed }) => probed)).then(() => reached.abort())
  const untilNs = pace.nowNs() + BigInt(msMax) * 1_000_000n
  const probes = new Probes(bus, plan)
  // A broadcast reaches all. Of a queue each takes some only where all can handle that many at once.
  const isBroadcast = plan.channel.pattern === 'broadcast'
  const atOnce = isBroadcast ? 1 : workers.length * plan.load.concurrency
  while (!reached.signal.aborted && pace.nowNs() < untilNs) {
    await probes.send(atOnce)
    await pace.sleep(everyMs, reached.signal)
  }
  return reached.signal.aborted
}

class Probes {
  readonly #channel
  readonly #plan: RunPlan
  #sequence = 0

  constructor(bus: Bus, plan: RunPlan) {
    this.#channel = openChannel(bus, plan.channel)
    this.#plan = plan
  }

  /** Over all keys, one after the other. That one goes astray matters to nobody: others follow. */
  async send(count: number): Promise<void> {
    await this.#channel.publishMany(Array.from({ length: count }, () => this.#next()))
  }

  #next() {
    const { run, load } = this.#plan
    const sequence = this.#sequence++
    const identity = { producer: probeProducer, incarnation: 0, sequence }
    const key = sequence % load.keys
    const of = { run: run.number, identity, key, kind: 'probe', intendedNs: 0n } as const
    const options = { id: messageId(run.name, identity), key: keyName(key) }
    return { data: encodeData(of, headerBytes), options }
  }
}
